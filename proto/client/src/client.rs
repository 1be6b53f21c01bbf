//! The client. Its methods are in `nearby_service.rs` and `merchant_service.rs`.

use std::time::Duration;

use tonic::transport::Channel;

use crate::{
    Access,
    access::AuthInterceptor,
    connect::{self, ConnectError},
};

/// Client of one server. Cheap to clone; all clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) channel: Channel,
    pub(crate) auth: AuthInterceptor,
    /// Deadline that replaces those of the service config.
    pub(crate) deadline: Option<Duration>,
    /// Enables retries.
    pub(crate) retries: bool,
    /// `true` if the connection uses TLS without a client certificate, which the server may require.
    pub(crate) may_lack_certificate: bool,
}

impl Client {
    /// Connects to a server, such as `127.0.0.1:50051` or `https://nearby.internal:50051`. If the connection breaks
    /// later, the next call reconnects.
    ///
    /// # Errors
    ///
    /// The address is invalid, no connection could be established within five seconds, or the system does not trust the
    /// certificate of the server.
    pub async fn connect(address: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::connect_with(address, &Access::default()).await
    }

    /// Connects like [`Self::connect`], with credentials and trusted certificate authorities.
    ///
    /// # Errors
    ///
    /// As for [`Self::connect`], and if the credentials are invalid.
    pub async fn connect_with(address: impl AsRef<str>, access: &Access) -> Result<Self, ConnectError> {
        let channel = connect::connect(address.as_ref(), access).await?;
        Ok(Self {
            auth: AuthInterceptor(access.authorization.clone()),
            may_lack_certificate: connect::is_https(address.as_ref()) && access.client_certificate.is_none(),
            ..Self::from_channel(channel)
        })
    }

    /// Creates a client over an existing channel, for transports that [`Self::connect_with`] does not cover.
    #[must_use]
    pub fn from_channel(channel: Channel) -> Self {
        Self {
            channel,
            auth: AuthInterceptor(None),
            deadline: None,
            retries: true,
            may_lack_certificate: false,
        }
    }

    /// Returns a client with a different deadline than the service config: the maximum duration of each call, including
    /// all its attempts. Streams of responses have no deadline, regardless of this setting: drop them to end them.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// Returns a client without retries, for measurements and for applications that retry themselves.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { retries: false, ..self.clone() }
    }
}
