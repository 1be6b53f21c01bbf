//! Overload control.

pub(crate) mod state;
pub(crate) mod work_queue;
