//! `berth node openapi`

use berth_gateway::http::openapi_document;

use crate::failure::Failure;

/// What participants reach through a node's gateway, as an OpenAPI 3.1 document; the same as at `/v1/openapi.json`.
pub(super) fn run() -> Result<(), Failure> {
    println!("{:#}", openapi_document());
    Ok(())
}
