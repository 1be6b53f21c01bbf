//! gRPC: the only room that knows of tonic and of wire types.
//!
//! | module | what it is |
//! |---|---|
//! | `search`, `manage`, `import` | the two services |
//! | `convert` | where wire types stop: checks, and values of the index |
//! | `status` | where an error becomes a status |
//! | `under_way` | which calls are not finished yet |
//! | `listen` | the server on a socket or on a pipe within the process |

pub(crate) mod convert;
mod import;
pub(crate) mod listen;
mod manage;
mod search;
mod status;
pub(crate) mod under_way;
