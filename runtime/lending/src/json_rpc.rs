//! JSON-RPC 2.0 over HTTP POST, one request each.

use adapter_spec::types::transport::{Failure, JsonRpcError, JsonRpcFailure, JsonRpcRequest};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{
    access::{Access, is_method_read},
    http::{TimedOut, not_a_read, send, whole_body, within_deadline},
    lending::LentEndpoint,
};

/// Bytes of a method's name.
const MAX_METHOD: usize = 256;
/// Bytes of a request's parameters.
const MAX_PARAMS: usize = 16 << 20;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl From<TimedOut> for JsonRpcFailure {
    fn from(timed_out: TimedOut) -> Self {
        JsonRpcFailure::Transport(timed_out.into())
    }
}

/// Carries one call out; the answer is the text of `result`, as it came.
pub(crate) async fn call(
    endpoint: &LentEndpoint,
    access: Access,
    request: JsonRpcRequest,
) -> Result<String, JsonRpcFailure> {
    let transport = JsonRpcFailure::Transport;
    if access != Access::Everything && !is_method_read(&endpoint.reads, &request.method) {
        return Err(transport(not_a_read(&request.method)));
    }
    let id = endpoint.next_id();
    let body = encode(&request, id).map_err(|reason| transport(Failure::Refused(reason)))?;
    within_deadline(endpoint, async {
        let mut headers = HeaderMap::with_capacity(4 + endpoint.headers.len());
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ACCEPT, JSON);
        let answer = send(endpoint, Method::POST, endpoint.address.clone(), headers, body.into());
        let (head, body) = answer.await.map_err(transport)?.into_parts();
        let body = whole_body(body, endpoint.max_response_bytes).await.map_err(transport)?;
        decode(&body, id).map_err(|failure| match failure {
            Undecoded::Error(error) => JsonRpcFailure::Error(error),
            Undecoded::Nonsense(reason) => transport(Failure::Interrupted(format!(
                "the node's answer (HTTP {}) is not JSON-RPC: {reason}",
                head.status.as_u16()
            ))),
        })
    })
    .await
}

/// The request's text; otherwise why it is refused.
fn encode(request: &JsonRpcRequest, id: u64) -> Result<String, String> {
    if request.method.len() > MAX_METHOD || request.params.len() > MAX_PARAMS {
        return Err(format!(
            "the method has more than {MAX_METHOD} bytes or its parameters more than {MAX_PARAMS}"
        ));
    }
    // Checked, so that parameters cannot end the object and begin other members of it.
    let params: &RawValue = serde_json::from_str(&request.params)
        .map_err(|error| format!("the parameters are not JSON: {error}"))?;
    if !params.get().starts_with(['[', '{']) {
        return Err("the parameters are neither an array nor an object".into());
    }
    let method = serde_json::to_string(&request.method).map_err(|error| error.to_string())?;
    let params = params.get();
    let mut text = String::with_capacity(64 + method.len() + params.len());
    text.push_str(r#"{"jsonrpc":"2.0","id":"#);
    text.push_str(&id.to_string());
    text.push_str(r#","method":"#);
    text.push_str(&method);
    text.push_str(r#","params":"#);
    text.push_str(params);
    text.push('}');
    Ok(text)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

/// `null` is a value, and not the same as none.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct ErrorObject {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

#[derive(Debug)]
enum Undecoded {
    Error(JsonRpcError),
    Nonsense(String),
}

/// The text of `result` of the answer with this id.
fn decode(body: &[u8], id: u64) -> Result<String, Undecoded> {
    let nonsense = |reason: &str| Err(Undecoded::Nonsense(reason.into()));
    let answer: Answer<'_> =
        serde_json::from_slice(body).map_err(|error| Undecoded::Nonsense(error.to_string()))?;
    // A node that could not read the request answers with an error and the id null.
    let same = answer.id.is_some_and(|given| {
        given.get().parse() == Ok(id) || (given.get() == "null" && answer.error.is_some())
    });
    if !same {
        return nonsense("it has another id than the request");
    }
    match (answer.result, answer.error) {
        // Some nodes send both, one of them null.
        (Some(result), None) => Ok(result.get().to_owned()),
        (None, Some(error)) => Err(Undecoded::Error(error.into())),
        (Some(result), Some(error)) if result.get() == "null" => Err(Undecoded::Error(error.into())),
        (Some(_), Some(_)) => nonsense("it has a result and an error"),
        (None, None) => nonsense("it has neither a result nor an error"),
    }
}

impl From<ErrorObject> for JsonRpcError {
    fn from(error: ErrorObject) -> Self {
        let data = error.data.map(|data| String::from(Box::<str>::from(data)));
        JsonRpcError { code: error.code, message: error.message, data }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(method: &str, params: &str) -> JsonRpcRequest {
        JsonRpcRequest {
            endpoint: "n".into(),
            method: method.into(),
            params: params.into(),
            sensitive: false,
        }
    }

    #[test]
    fn a_result_is_handed_on_as_it_came_and_null_is_a_result() {
        for (body, result) in [
            (r#"{"jsonrpc":"2.0","id":7,"result": {"a" : 1.10} }"#, r#"{"a" : 1.10}"#),
            (r#"{"id":7,"result":null}"#, "null"),
            (r#"{"id":7,"result":"0x1","error":null}"#, r#""0x1""#),
        ] {
            assert_eq!(decode(body.as_bytes(), 7).unwrap(), result);
        }
    }

    #[test]
    fn an_error_is_the_nodes_with_its_data_as_json() {
        let body = br#"{"id":7,"error":{"code":3,"message":"reverted","data":"0x08"},"result":null}"#;
        let Err(Undecoded::Error(error)) = decode(body, 7) else { panic!("no error") };
        assert_eq!(
            error,
            JsonRpcError { code: 3, message: "reverted".into(), data: Some(r#""0x08""#.into()) }
        );
        let body = br#"{"id":null,"error":{"code":-32700,"message":"parse error"}}"#;
        assert!(matches!(decode(body, 7), Err(Undecoded::Error(_))));
    }

    #[test]
    fn an_answer_with_another_id_or_without_meaning_is_nonsense() {
        let deep = format!(r#"{{"id":7,"error":{{"code":1,"data":{}1"#, "[".repeat(100_000));
        for body in [
            r#"{"id":8,"result":1}"#,
            r#"{"id":"7","result":1}"#,
            r#"{"id":null,"result":1}"#,
            r#"{"result":1}"#,
            r#"{"id":7}"#,
            r#"{"id":7,"result":1,"error":{"code":1}}"#,
            r#"{"id":7,"result":1,"result":2}"#,
            r#"{"id":7,"error":"no"}"#,
            r#"{"id":7,"result":1"#,
            r#"[{"id":7,"result":1}]"#,
            "<html>",
            "",
            &deep,
        ] {
            assert!(matches!(decode(body.as_bytes(), 7), Err(Undecoded::Nonsense(_))), "{body:.80}");
        }
        assert!(matches!(decode(b"{\"id\":7,\"result\":\"\xff\"}", 7), Err(Undecoded::Nonsense(_))));
    }

    #[test]
    fn a_result_that_is_very_deep_is_handed_on_without_overflow() {
        let result = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let body = format!(r#"{{"id":7,"result":{result}}}"#);
        assert_eq!(decode(body.as_bytes(), 7).unwrap(), result);
    }

    #[test]
    fn parameters_that_are_no_array_or_object_are_refused() {
        for params in ["", "1", "\"a\"", "null", "[", "[1]]", r#"[],"id":1"#, "[] []", "{a:1}"] {
            assert!(encode(&request("m", params), 1).is_err(), "{params}");
        }
    }

    proptest! {
        #[test]
        fn a_request_is_always_one_object_with_what_was_asked(method in ".{0,20}", number in any::<u32>(), id: u64) {
            let text = encode(&request(&method, &format!(" [{number}] ")), id).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(value, serde_json::json!({
                "jsonrpc": "2.0", "id": id, "method": method, "params": [number],
            }));
        }

        #[test]
        fn random_answers_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200), id: u64) {
            let _ = decode(&body, id);
        }
    }
}
