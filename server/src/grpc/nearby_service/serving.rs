//! Service areas in results.

use nearby_index::{Effort, Hit, ServedPoint, StoredMerchant};
use nearby_proto::v1 as wire;

use crate::{
    grpc::convert::{OutputDatum, View},
    record,
};

/// Returns whether a merchant serves a point, from which it has the distance of the hit.
pub(super) fn serves(hit: &Hit<'_>, point: &ServedPoint, effort: &Effort) -> bool {
    hit.merchant.merchant.service_area().is_some_and(|area| area.serves(point, hit.distance, effort))
}

/// The service area of a merchant in the output datum, if the view has all fields and a datum is requested.
pub(super) fn output_area(
    stored: &StoredMerchant,
    view: View,
    output: Option<OutputDatum>,
) -> Option<Box<wire::ServiceArea>> {
    let (View::Public | View::Full, Some(datum)) = (view, output) else { return None };
    stored.merchant.service_area()?;
    let area = record::decode(stored).ok()?.service_area?;
    Some(Box::new(datum.service_area_of(&area)))
}
