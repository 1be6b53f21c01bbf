//! Codec that encodes from a shared request, so that an attempt costs a pointer, not a copy of the request.

use std::{marker::PhantomData, sync::Arc};

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, EncodeBuf, Encoder},
};
use tonic_prost::ProstDecoder;

/// Protobuf codec whose requests are shared.
pub(crate) struct SharedCodec<Req, Res>(PhantomData<fn(Req) -> Res>);

/// Encoder of [`SharedCodec`].
pub(crate) struct SharedEncoder<Req>(PhantomData<fn(Req)>);

impl<Req, Res> SharedCodec<Req, Res> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<Req, Res> Codec for SharedCodec<Req, Res>
where
    Req: Message + 'static,
    Res: Message + Default + 'static,
{
    type Encode = Arc<Req>;
    type Decode = Res;
    type Encoder = SharedEncoder<Req>;
    type Decoder = ProstDecoder<Res>;

    fn encoder(&mut self) -> Self::Encoder {
        SharedEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(BufferSettings::default())
    }
}

impl<Req: Message> Encoder for SharedEncoder<Req> {
    type Item = Arc<Req>;
    type Error = Status;

    fn encode(&mut self, request: Arc<Req>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        request.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}
