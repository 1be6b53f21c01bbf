//! `nearby.v1.NearbyService`.

use nearby_index::{CoarseCell, Radius};
use nearby_proto::v1::{SearchNearbyRequest, SearchNearbyResponse, nearby_service_server::NearbyService};
use tonic::{Request, Response, Status};

use super::convert::{search_from_wire, search_to_wire};
use crate::service::Door;

/// Answers which merchants are near.
#[derive(Debug)]
pub(crate) struct Searches {
    pub(crate) door: Door,
    pub(crate) most_radius: Radius,
    /// Whether logs may say in which H3 cell of resolution 5 people search.
    pub(crate) log_cells: bool,
}

#[tonic::async_trait]
impl NearbyService for Searches {
    async fn search_nearby(
        &self,
        request: Request<SearchNearbyRequest>,
    ) -> Result<Response<SearchNearbyResponse>, Status> {
        let service = self.door.enter()?;
        let request = search_from_wire(request.get_ref(), self.most_radius, service.tokens())?;
        let snapshot = service.snapshot();
        let (hits, revision) = (snapshot.search(&request.query), snapshot.revision());
        let cell = self.log_cells.then(|| CoarseCell::of(request.origin)).flatten();
        tracing::debug!(
            method = "SearchNearby",
            results = hits.as_slice().len(),
            revision = revision.0,
            h3_cell = cell.map(tracing::field::display),
        );
        Ok(Response::new(search_to_wire(&request, &hits, revision, service.tokens())?))
    }
}
