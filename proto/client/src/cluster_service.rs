//! Methods of `ClusterService`.

use nearby_proto::v1::{
    GetClusterStatusRequest, GetClusterStatusResponse, HashContentsRequest, HashContentsResponse,
    HealClusterRequest, HealClusterResponse, UpgradeClusterFormatRequest, UpgradeClusterFormatResponse,
};

use crate::{Client, error::ClientError, method::Method};

/// Operations on a cluster. Only the status is retried.
impl Client {
    /// Returns what the node knows of its cluster.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `GetClusterStatus`.
    pub async fn get_cluster_status(
        &self,
        request: GetClusterStatusRequest,
    ) -> Result<GetClusterStatusResponse, ClientError> {
        self.read(Method::GetClusterStatus, request).await
    }

    /// Publishes again what the log of the cluster has lost.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `HealCluster`.
    pub async fn heal_cluster(
        &self,
        request: HealClusterRequest,
    ) -> Result<HealClusterResponse, ClientError> {
        self.read(Method::HealCluster, request).await
    }

    /// Raises the format of the log of the cluster.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `UpgradeClusterFormat`.
    pub async fn upgrade_cluster_format(
        &self,
        request: UpgradeClusterFormatRequest,
    ) -> Result<UpgradeClusterFormatResponse, ClientError> {
        self.read(Method::UpgradeClusterFormat, request).await
    }

    /// Returns a hash of all records of the node as of one message of the log.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `HashContents`.
    pub async fn hash_contents(
        &self,
        request: HashContentsRequest,
    ) -> Result<HashContentsResponse, ClientError> {
        self.read(Method::HashContents, request).await
    }
}
