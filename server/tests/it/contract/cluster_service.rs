//! `ClusterService` on a server that belongs to no cluster. `it::cluster` tests a node, and `cargo crash cluster` several.

use nearby_proto::v1::cluster_service_client::ClusterServiceClient;

use super::*;

#[tokio::test]
async fn a_single_node_belongs_to_no_cluster() {
    let server = TestServer::start().await;
    let mut client = ClusterServiceClient::new(server.channel().await);
    let refused = [
        client.get_cluster_status(wire::GetClusterStatusRequest {}).await.map(drop),
        client.heal_cluster(wire::HealClusterRequest {}).await.map(drop),
        client.upgrade_cluster_format(wire::UpgradeClusterFormatRequest { format: 2 }).await.map(drop),
        client.hash_contents(wire::HashContentsRequest::default()).await.map(drop),
    ];
    for status in refused.map(Result::unwrap_err) {
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "NOT_A_CLUSTER");
    }
}
