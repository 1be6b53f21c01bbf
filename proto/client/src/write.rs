//! Write requests, and the request id that makes them idempotent.

use nearby_proto::v1;
use prost::Message;
use uuid::Uuid;

/// A request that the server deduplicates by its request id.
pub(crate) trait WriteRequest: Message + 'static {
    fn request_id_mut(&mut self) -> &mut String;

    /// Returns the id of this request; generates one if it is empty.
    fn ensure_request_id(&mut self) -> String {
        let id = self.request_id_mut();
        if id.is_empty() {
            *id = Uuid::now_v7().to_string();
        }
        id.clone()
    }
}

macro_rules! write_requests {
    ($($request:ident)+) => {
        $(impl WriteRequest for v1::$request {
            fn request_id_mut(&mut self) -> &mut String {
                &mut self.request_id
            }
        })+
    };
}

write_requests! {
    CreateMerchantRequest UpdateMerchantRequest DeleteMerchantRequest ShowMerchantRequest HideMerchantRequest
    ApproveMerchantRequest RejectMerchantRequest
    BatchCreateMerchantsRequest BatchUpdateMerchantsRequest BatchDeleteMerchantsRequest
}
