//! gRPC: the only room that knows of tonic and of wire types.
//!
//! | module | what it is |
//! |---|---|
//! | `search`, `manage`, `import` | the two services |
//! | `convert` | where wire types stop: checks, and values of the index |
//! | `page_token` | from one page to the next |
//! | `status` | where an error becomes a status |
//! | `listen` | the server on a socket or on a pipe within the process |

pub(crate) mod convert;
mod import;
pub(crate) mod listen;
mod manage;
pub(crate) mod page_token;
mod search;
mod status;
