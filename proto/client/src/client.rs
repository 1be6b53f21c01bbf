//! The client itself. What it can ask is in `nearby_service.rs` and `merchant_service.rs`.

use std::time::Duration;

use tonic::transport::Channel;

use crate::{
    Access,
    access::ShowKey,
    connect::{self, ConnectError},
};

/// A caller of one server: cheap to clone, and all clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) channel: Channel,
    /// What is shown with every call.
    pub(crate) key: ShowKey,
    /// The caller's own deadline, in place of those of the service config.
    pub(crate) deadline: Option<Duration>,
    /// Whether calls are tried again at all.
    pub(crate) retries: bool,
}

impl Client {
    /// Connects to a server, such as `127.0.0.1:50051` or `https://nearby.internal:50051`. A connection that breaks later
    /// is made anew by the next call.
    ///
    /// # Errors
    ///
    /// The address is none, or nothing answers there within five seconds, or not as somebody whom the system trusts.
    pub async fn connect(address: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::connect_with(address, &Access::default()).await
    }

    /// The same with what the server wants to see, and what it is known by.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`], and where what is to be shown cannot be used.
    pub async fn connect_with(address: impl AsRef<str>, access: &Access) -> Result<Self, ConnectError> {
        let channel = connect::connect(address.as_ref(), access).await?;
        Ok(Self { key: ShowKey(access.authorization.clone()), ..Self::over(channel) })
    }

    /// Calls a server over a channel that the caller has made, and set up, otherwise.
    #[must_use]
    pub fn over(channel: Channel) -> Self {
        Self { channel, key: ShowKey(None), deadline: None, retries: true }
    }

    /// The same client with another deadline than the service config's: each call, with all its attempts, takes at most
    /// so long. Streams of answers have no deadline, whatever is said here: they end when they are dropped.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The same client without retries: for who measures a server, or tries again in another place already.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { retries: false, ..self.clone() }
    }
}
