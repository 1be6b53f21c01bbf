//! `nearby.v1.ClusterService`.
//!
//! | module | contents |
//! |---|---|
//! | `status` | what this node knows of the cluster |

mod status;

use std::sync::Arc;

use nearby_cluster::{identity::Sequence, protocol::HealError};
use nearby_proto::{
    server::cluster_service_server::ClusterService,
    v1::{
        GetClusterStatusRequest, GetClusterStatusResponse, HashContentsRequest, HashContentsResponse,
        HealClusterRequest, HealClusterResponse, UpgradeClusterFormatRequest, UpgradeClusterFormatResponse,
    },
};
use nearby_store::ContentHash;
use tokio::{sync::oneshot, task::spawn_blocking};
use tonic::{Request, Response, Status};

use crate::{
    cluster::ClusterView,
    commit::ClusterOperation,
    error::ServiceError,
    service::{NOT_READY, Service, ServiceHandle},
};

/// Implements the service.
pub(crate) struct ClusterServiceImpl {
    pub(crate) handle: ServiceHandle,
}

/// The reason that contents are not taken as of a message.
const NOT_REACHED: &str =
    "the node has applied more, has a fault or stops; ask for a later message, at most 10,000 from now";

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ClusterService for ClusterServiceImpl {
    async fn get_cluster_status(
        &self,
        _: Request<GetClusterStatusRequest>,
    ) -> Reply<GetClusterStatusResponse> {
        let (_, view) = self.node()?;
        Ok(Response::new(status::response(&view)?))
    }

    async fn heal_cluster(&self, _: Request<HealClusterRequest>) -> Reply<HealClusterResponse> {
        let (reply, result) = oneshot::channel();
        self.operate(ClusterOperation::Heal(reply)).await?;
        let republished = match result.await.map_err(|_| NOT_READY)? {
            Ok(republished) => republished,
            Err(HealError::NothingLost) => 0,
            Err(error) => return Err(failed(&error).into()),
        };
        Ok(Response::new(HealClusterResponse { republished }))
    }

    async fn upgrade_cluster_format(
        &self,
        request: Request<UpgradeClusterFormatRequest>,
    ) -> Reply<UpgradeClusterFormatResponse> {
        let format = request.into_inner().format;
        let format = u16::try_from(format).map_err(|_| failed(&format!("there is no format {format}")))?;
        let (reply, result) = oneshot::channel();
        self.operate(ClusterOperation::Upgrade { format, reply }).await?;
        let Sequence(sequence) =
            result.await.map_err(|_| ServiceError::OutcomeUnknown)?.map_err(|error| failed(&error))?;
        Ok(Response::new(UpgradeClusterFormatResponse { sequence }))
    }

    async fn hash_contents(&self, request: Request<HashContentsRequest>) -> Reply<HashContentsResponse> {
        let HashContentsRequest { sequence, advance } = request.into_inner();
        let (service, view) = self.node()?;
        let taken = if sequence == 0 {
            service.commits.backup_contents().await?
        } else {
            let (reply, contents) = oneshot::channel();
            let sequence = Sequence(sequence);
            service.commits.operate(ClusterOperation::Capture { sequence, advance, reply }).await?;
            contents.await.map_err(|_| failed(&NOT_REACHED))?
        };
        let sequence = taken.position.map_or(sequence, |position| position.sequence);
        let hashed = spawn_blocking(move || taken.contents.hash()).await;
        let ContentHash { hash, records } =
            hashed.map_err(|_| ServiceError::Internal("the hash was not computed"))?;
        let (node, cluster_id) = (view.node().to_string(), view.cluster().to_string());
        let hash = format!("{hash:032x}");
        Ok(Response::new(HashContentsResponse { sequence, hash, records, node, cluster_id }))
    }
}

impl ClusterServiceImpl {
    /// The service of a node, and its view of the cluster.
    fn node(&self) -> Result<(Arc<Service>, ClusterView), ServiceError> {
        let service = self.handle.service()?;
        let view = service.cluster.clone().ok_or(ServiceError::NoCluster)?;
        Ok((service, view))
    }

    async fn operate(&self, operation: ClusterOperation) -> Result<(), ServiceError> {
        let (service, _) = self.node()?;
        service.commits.operate(operation).await
    }
}

fn failed(error: &dyn std::fmt::Display) -> ServiceError {
    ServiceError::ClusterOperation(error.to_string())
}
