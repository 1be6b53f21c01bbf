//! gRPC: the only room that knows of tonic and of wire types.
//!
//! | module | what it is |
//! |---|---|
//! | `search`, `manage` | the two services |
//! | `convert` | where wire types stop: checks, and values of the index |
//! | `splice` | answers put together from merchants that are encoded already |
//! | `streams` | answers that go on |
//! | `work`, `deadline` | how long a call may work, and who stops it |
//! | `status`, `explain` | where an error becomes a status |
//! | `under_way` | which calls are not finished yet |
//! | [`offline`] | searches without a server, for benches |
//! | `listen` | the server on a socket or on a pipe within the process |

pub(crate) mod convert;
mod deadline;
mod explain;
mod gather;
pub(crate) mod listen;
mod manage;
pub mod offline;
pub(crate) mod search;
mod splice;
mod status;
mod streams;
pub(crate) mod under_way;
mod work;
