//! Settings of a node of a cluster.

use std::path::{Path, PathBuf};

use nearby_cluster::{
    identity::NodeName,
    jetstream::{JetStreamSettings, TlsFiles},
};

use super::{ConfigError, ServerArgs, Setting};
use crate::{
    cluster::ClusterSettings,
    fs::regular_file::{self, Contents},
};

impl ServerArgs {
    pub(super) fn cluster(&self) -> Result<Option<ClusterSettings>, ConfigError> {
        if self.cluster.as_ref().is_none_or(Vec::is_empty) {
            return match &self.cluster_node {
                Some(_) => Err(Setting("cluster").invalid("is required with --cluster-node")),
                None => Ok(None),
            };
        }
        let Some(name) = &self.cluster_node else {
            return Err(Setting("cluster_node").invalid("is required with --cluster: each node has a name"));
        };
        let node =
            NodeName::parse(name).map_err(|error| Setting("cluster_node").invalid(error.to_string()))?;
        let brokers = JetStreamSettings {
            servers: self.cluster.clone().unwrap_or_default(),
            stream: self.cluster_stream(),
            node,
            nkey_seed: self.cluster_nkey.as_deref().map(read_seed).transpose()?,
            tls: self.broker_tls()?,
            allow_older_brokers: self.cluster_allow_older_brokers(),
        };
        brokers.check().map_err(|error| Setting("cluster").invalid(error.to_string()))?;
        Ok(Some(ClusterSettings {
            brokers,
            address: self.cluster_address.clone(),
            monitors: self.cluster_monitors.clone().unwrap_or_default(),
            peer_key: self.cluster_peer_key.clone(),
            peer_ca: self.cluster_peer_ca.clone(),
            max_lag: self.cluster_max_lag(),
        }))
    }

    fn broker_tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        let certificate = match (&self.cluster_cert, &self.cluster_cert_key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => {
                let key = Setting("cluster_cert_key");
                return Err(Setting("cluster_cert").invalid(format!("and {key} are both required")));
            }
        };
        match (&self.cluster_ca, certificate) {
            (Some(authorities), certificate) => {
                Ok(Some(TlsFiles { authorities: authorities.clone(), certificate }))
            }
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Setting("cluster_ca").invalid("is required with --cluster-cert")),
        }
    }
}

fn read_seed(path: &Path) -> Result<String, ConfigError> {
    let text = regular_file::read(path, regular_file::MAX_BYTES).and_then(Contents::into_text);
    let unreadable = |source| ConfigError::Unreadable { path: PathBuf::from(path), source };
    Ok(text.map_err(unreadable)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ServerArgs {
        ServerArgs {
            cluster: Some(vec!["nats://127.0.0.1:4222".to_owned(), "tls://broker".to_owned()]),
            cluster_node: Some("node-1".to_owned()),
            ..ServerArgs::default()
        }
    }

    #[test]
    fn a_node_has_brokers_and_a_name() {
        assert!(ServerArgs::default().cluster().unwrap().is_none());
        let settings = args().cluster().unwrap().unwrap();
        assert_eq!((settings.brokers.stream.as_str(), settings.brokers.servers.len()), ("NEARBY", 2));
        assert_eq!(settings.max_lag, 1_000);
        let error = |args: ServerArgs| args.cluster().unwrap_err().to_string();
        assert!(error(ServerArgs { cluster_node: None, ..args() }).contains("--cluster-node"));
        assert!(error(ServerArgs { cluster: None, ..args() }).contains("--cluster,"));
        assert!(error(ServerArgs { cluster_node: Some("A.b".to_owned()), ..args() }).contains("hyphens"));
        assert!(error(ServerArgs { cluster_stream: Some("a.b".to_owned()), ..args() }).contains("stream"));
        assert!(
            error(ServerArgs { cluster: Some(vec!["nats://a:b".to_owned()]), ..args() })
                .contains("--cluster")
        );
    }

    #[test]
    fn certificates_for_brokers_are_given_whole() {
        let file = |name: &str| Some(PathBuf::from(name));
        let error = |args: ServerArgs| args.cluster().unwrap_err().to_string();
        let alone = ServerArgs { cluster_cert: file("cert"), cluster_ca: file("ca"), ..args() };
        assert!(error(alone).contains("--cluster-cert-key"));
        let both = ServerArgs { cluster_cert: file("cert"), cluster_cert_key: file("key"), ..args() };
        assert!(error(both.clone()).contains("--cluster-ca"));
        let tls = ServerArgs { cluster_ca: file("ca"), ..both }.cluster().unwrap().unwrap().brokers.tls;
        assert!(tls.is_some_and(|tls| tls.certificate.is_some()));
    }

    #[test]
    fn the_seed_of_an_nkey_is_read_from_its_file_and_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seed");
        let with = ServerArgs { cluster_nkey: Some(path.clone()), ..args() };
        assert!(with.cluster().unwrap_err().to_string().contains("seed"));
        std::fs::write(&path, "SUSECRET\n").unwrap();
        let settings = with.cluster().unwrap().unwrap();
        assert_eq!(settings.brokers.nkey_seed.as_deref(), Some("SUSECRET"));
        assert!(!format!("{settings:?}").contains("SUSECRET"));
    }
}
