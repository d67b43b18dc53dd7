//! The status at the end of a call.

use adapter_spec::types::transport::{GrpcFailure, GrpcStatus};
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::HeaderMap;
use percent_encoding::percent_decode;

use super::interrupted;

/// Servers write it with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The code UNKNOWN, where a server's own is none of the 17.
const UNKNOWN: u32 = 2;

/// The status in these headers or trailers: none where there is none, or it is OK.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<GrpcStatus>, GrpcFailure> {
    match code(headers)? {
        None | Some(0) => Ok(None),
        Some(code) => {
            let message = headers.get("grpc-message").map_or(&b""[..], |value| value.as_bytes());
            let details = headers.get("grpc-status-details-bin").map_or(&b""[..], |value| value.as_bytes());
            Ok(Some(GrpcStatus {
                code,
                message: percent_decode(message).decode_utf8_lossy().into_owned(),
                // The status is what matters; details that do not decode are none.
                details: BASE64.decode(details).unwrap_or_default(),
            }))
        }
    }
}

/// The status code, if there is one.
pub(super) fn code(headers: &HeaderMap) -> Result<Option<u32>, GrpcFailure> {
    let Some(value) = headers.get("grpc-status") else { return Ok(None) };
    let code = value.to_str().ok().and_then(|text| text.parse::<u32>().ok());
    let code = code.ok_or_else(|| interrupted("the server's status is no number"))?;
    Ok(Some(if code > 16 { UNKNOWN } else { code }))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(code: &str, message: &[u8], details: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", code.parse().unwrap());
        if let Ok(message) = HeaderValue::from_bytes(message) {
            headers.insert("grpc-message", message);
        }
        if let Ok(details) = HeaderValue::from_bytes(details) {
            headers.insert("grpc-status-details-bin", details);
        }
        headers
    }

    #[test]
    fn a_status_has_its_message_decoded_and_its_details_with_or_without_padding() {
        for details in ["CAU", "CAU="] {
            let status = read(&headers("5", b"not%20f\xc3\xb6und %zz", details.as_bytes())).unwrap().unwrap();
            assert_eq!(status, GrpcStatus { code: 5, message: "not föund %zz".into(), details: vec![8, 5] });
        }
        assert_eq!(read(&headers("0", b"", b"")).unwrap(), None);
        assert_eq!(read(&HeaderMap::new()).unwrap(), None);
        assert_eq!(read(&headers("99", b"", b"!")).unwrap().unwrap().code, UNKNOWN);
        assert!(read(&headers("five", b"", b"")).is_err());
    }

    proptest! {
        #[test]
        fn hostile_trailers_never_panic(
            code in "[ -~]{0,6}", message in proptest::collection::vec(any::<u8>(), 0..40),
            details in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = read(&headers(&code, &message, &details));
        }
    }
}
