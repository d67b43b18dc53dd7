//! The well-known types that Fabric's messages use: `google/protobuf/timestamp.proto`, `google/protobuf/any.proto`,
//! `google/rpc/status.proto`.

/// A moment, UTC: seconds since 1970, and nanoseconds from 0 to 999,999,999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// A message of any type, named by its address.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// What `grpc-status-details-bin` holds.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Status {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}
