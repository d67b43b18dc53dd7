//! JSON-RPC endpoints as they are lent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

mod support;

use std::sync::Arc;

use adapter_spec::{
    Function, Imports, Lender as _,
    types::{
        Transport,
        transport::{Failure, JsonRpcFailure},
    },
};
use berth_lending::{Endpoint, Lending, Network};
use hyper::Response;
use support::{Server, call, descriptor, echo, full, get, serve};
use tokio::sync::Barrier;

fn lend(server: &Server, function: Function) -> Arc<dyn Imports> {
    let endpoint = Endpoint::new("node", "rpc", Transport::JsonRpc, format!("{}/key", server.url()));
    let lending = Lending::builder("app").endpoint(endpoint).build(&descriptor(), &Network::new()).unwrap();
    lending.imports(function)
}

#[tokio::test]
async fn calls_run_side_by_side_and_are_answered_in_order() {
    let barrier = Arc::new(Barrier::new(30));
    let server = serve(move |request| {
        let barrier = barrier.clone();
        async move {
            assert_eq!(request.uri().path(), "/key");
            barrier.wait().await;
            echo(&request)
        }
    })
    .await;
    let requests = (0..30).map(|i| call("read_x", &format!("[{i}]"))).collect();
    let answers = lend(&server, Function::Begin).json_rpc(requests).await;
    let expected: Vec<_> = (0..30).map(|i| Ok(format!("[{i}]"))).collect();
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn calls_that_follow_each_other_share_one_connection() {
    let server = serve(|request| async move { echo(&request) }).await;
    let imports = lend(&server, Function::Begin);
    for _ in 0..10 {
        imports.json_rpc(vec![call("call", "[]")]).await.remove(0).unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_error_object_is_the_nodes_whatever_the_http_status() {
    let server = serve(|request| async move {
        let request: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let error =
            serde_json::json!({"id": request["id"], "error": {"code": 3, "message": "no", "data": [1]}});
        Response::builder().status(500).body(full(error.to_string())).unwrap()
    })
    .await;
    let answer = lend(&server, Function::Begin).json_rpc(vec![call("call", "[]")]).await.remove(0);
    let Err(JsonRpcFailure::Error(error)) = answer else { panic!("{answer:?}") };
    assert_eq!((error.code, error.message.as_str(), error.data.as_deref()), (3, "no", Some("[1]")));
}

#[tokio::test]
async fn nonsense_is_told_with_the_http_status_and_is_never_a_result() {
    for (status, body) in
        [(503, "<html>"), (200, ""), (200, "{\"id\":999,\"result\":1}"), (200, "{\"id\":1,\"res")]
    {
        let server =
            serve(move |_| async move { Response::builder().status(status).body(full(body)).unwrap() }).await;
        let answer = lend(&server, Function::Begin).json_rpc(vec![call("call", "[]")]).await.remove(0);
        let Err(JsonRpcFailure::Transport(Failure::Interrupted(reason))) = answer else {
            panic!("{answer:?}")
        };
        assert!(reason.contains("not JSON-RPC") && reason.contains(&status.to_string()), "{reason}");
    }
}

#[tokio::test]
async fn only_send_may_call_what_is_not_declared_as_a_read() {
    let server = serve(|request| async move { echo(&request) }).await;
    let write = || vec![call("send_it", "[]")];
    let answer = lend(&server, Function::Resume).json_rpc(write()).await.remove(0);
    assert!(matches!(answer, Err(JsonRpcFailure::Transport(Failure::Refused(_)))));
    assert_eq!(lend(&server, Function::Send).json_rpc(write()).await.remove(0), Ok("[]".into()));
}

#[tokio::test]
async fn an_endpoint_is_spoken_to_with_its_own_transport_only() {
    let server = serve(|request| async move { echo(&request) }).await;
    let imports = lend(&server, Function::Send);
    assert!(matches!(imports.http(vec![get("/read")]).await.remove(0), Err(Failure::Refused(_))));
    let mut other = call("call", "[]");
    other.endpoint = "other".into();
    let answer = imports.json_rpc(vec![other]).await.remove(0);
    assert!(matches!(answer, Err(JsonRpcFailure::Transport(Failure::Refused(_)))));
    assert_eq!(server.connections(), 0);
}
