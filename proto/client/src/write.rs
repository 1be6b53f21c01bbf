//! Changes, and the id that makes it safe to send one again.

use nearby_proto::v1;
use prost::Message;
use uuid::Uuid;

/// A request that a server remembers by its id, so that a repetition is answered and not done again.
pub(crate) trait Write: Message + 'static {
    fn request_id_mut(&mut self) -> &mut String;

    /// The id of this request: the caller's, or a fresh one that is put into it.
    fn identify(&mut self) -> String {
        let id = self.request_id_mut();
        if id.is_empty() {
            *id = Uuid::now_v7().to_string();
        }
        id.clone()
    }
}

macro_rules! writes {
    ($($request:ident)+) => {
        $(impl Write for v1::$request {
            fn request_id_mut(&mut self) -> &mut String {
                &mut self.request_id
            }
        })+
    };
}

writes! {
    CreateMerchantRequest UpdateMerchantRequest DeleteMerchantRequest ShowMerchantRequest HideMerchantRequest
    BatchCreateMerchantsRequest BatchUpdateMerchantsRequest BatchDeleteMerchantsRequest
}
