//! HTTP endpoints as they are lent, against local servers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

mod support;

use std::{sync::Arc, time::Duration};

use adapter_spec::{
    Function, Imports, Lender as _,
    types::{
        Transport,
        transport::{Failure, HttpRequest},
    },
};
use berth_lending::{Endpoint, Lending, Network};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{Response, body::Frame};
use support::{Server, descriptor, full, get, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Barrier,
};

fn lend(url: &str, function: Function, change: impl FnOnce(&mut Endpoint)) -> Arc<dyn Imports> {
    let mut endpoint = Endpoint::new("node", "web", Transport::Http, url);
    change(&mut endpoint);
    let lending = Lending::builder("app").endpoint(endpoint).build(&descriptor(), &Network::new()).unwrap();
    lending.imports(function)
}

async fn one(
    imports: &Arc<dyn Imports>,
    request: HttpRequest,
) -> Result<adapter_spec::types::transport::HttpResponse, Failure> {
    imports.http(vec![request]).await.remove(0)
}

/// Answers with what it saw.
async fn mirror() -> Server {
    serve(|request| async move {
        let seen = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
        Response::builder().header("set-cookie", "a=b").header("x-own", "kept").body(full(seen)).unwrap()
    })
    .await
}

#[tokio::test]
async fn requests_that_follow_each_other_share_one_connection() {
    let server = mirror().await;
    let imports = lend(&server.url(), Function::Begin, |_| {});
    for _ in 0..10 {
        assert_eq!(one(&imports, get("/read")).await.unwrap().status, 200);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_list_is_carried_out_side_by_side_and_answered_in_order() {
    // Nobody is answered before all have asked: one after the other would never end.
    let barrier = Arc::new(Barrier::new(20));
    let server = serve(move |request| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Response::new(full(request.uri().path().to_string()))
        }
    })
    .await;
    let imports = lend(&server.url(), Function::Begin, |_| {});
    let paths: Vec<_> = (0..20).map(|i| format!("/read/{i}")).collect();
    let answers = imports.http(paths.iter().map(|path| get(path)).collect()).await;
    let bodies: Vec<_> =
        answers.into_iter().map(|answer| String::from_utf8(answer.unwrap().body).unwrap()).collect();
    assert_eq!(bodies, paths);
}

#[tokio::test]
async fn the_operators_headers_win_and_the_hosts_are_not_an_adapters() {
    let server = mirror().await;
    let imports = lend(&server.url(), Function::Begin, |endpoint| {
        endpoint.headers.push(("Authorization".into(), "Bearer canary".to_string().into()));
        endpoint.headers.push(("X-Both".into(), "operator".to_string().into()));
    });
    let mut request = get("/read");
    request.headers = vec![("x-both".into(), "adapter".into()), ("accept".into(), "a/b".into())];
    let answer = one(&imports, request).await.unwrap();
    let seen = String::from_utf8(answer.body).unwrap();
    assert!(seen.contains("Bearer canary") && seen.contains("operator") && seen.contains("a/b"), "{seen}");
    assert!(!seen.contains("\"adapter\""), "{seen}");
    let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"x-own") && !names.contains(&"set-cookie"), "{names:?}");

    for name in ["Host", "Authorization", "Transfer-Encoding", "Proxy-Authorization"] {
        let mut request = get("/read");
        request.headers = vec![(name.into(), "x".into())];
        assert!(matches!(one(&imports, request).await, Err(Failure::Refused(_))), "{name}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = mirror().await;
    let target = elsewhere.url();
    let server = serve(move |_| {
        let target = target.clone();
        async move { Response::builder().status(302).header("location", target).body(full("")).unwrap() }
    })
    .await;
    let answer = one(&lend(&server.url(), Function::Begin, |_| {}), get("/read")).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn an_answer_beyond_the_cap_is_cut_off_whether_its_length_is_told_or_not() {
    let told = serve(|_| async { Response::new(full(vec![0; 1001])) }).await;
    let endless = serve(|_| async {
        let frames = futures_util::stream::repeat_with(|| Ok(Frame::data(vec![0; 100].into())));
        Response::new(StreamBody::new(frames).boxed())
    })
    .await;
    for server in [&told, &endless] {
        let imports = lend(&server.url(), Function::Begin, |endpoint| endpoint.max_response_bytes = 1000);
        assert_eq!(one(&imports, get("/read")).await, Err(Failure::TooLarge(1000)));
    }
    let imports = lend(&told.url(), Function::Begin, |endpoint| endpoint.max_response_bytes = 1001);
    assert_eq!(one(&imports, get("/read")).await.unwrap().body.len(), 1001);
}

#[tokio::test]
async fn a_node_that_does_not_answer_in_time_is_a_timeout() {
    let server = serve(|_| std::future::pending()).await;
    let imports =
        lend(&server.url(), Function::Begin, |endpoint| endpoint.deadline = Duration::from_millis(50));
    assert_eq!(one(&imports, get("/read")).await, Err(Failure::Timeout));
}

#[tokio::test]
async fn what_never_left_is_unreachable_and_what_got_no_whole_answer_is_interrupted() {
    let failure = one(&lend("http://127.0.0.1:1", Function::Begin, |_| {}), get("/read")).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");

    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", "nonsense\r\n\r\n", "\0\x01\x02"]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            let _ = socket.read(&mut buffer).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        });
        let failure = one(&lend(&url, Function::Begin, |_| {}), get("/read")).await.unwrap_err();
        assert!(matches!(failure, Failure::Interrupted(_)), "{answer:?}: {failure:?}");
    }
}

#[tokio::test]
async fn only_send_may_do_more_than_read_and_some_functions_reach_nothing() {
    let server = mirror().await;
    let write = HttpRequest { method: "POST".into(), ..get("/submit") };
    let query = HttpRequest { method: "POST".into(), ..get("/query?x") };
    for function in [Function::Begin, Function::Receipt, Function::ToCall, Function::FromOutcome] {
        let imports = lend(&server.url(), function, |_| {});
        assert!(one(&imports, query.clone()).await.is_ok());
        assert!(matches!(one(&imports, write.clone()).await, Err(Failure::Refused(_))), "{function}");
    }
    assert!(one(&lend(&server.url(), Function::Send, |_| {}), write).await.is_ok());
    for function in [Function::Describe, Function::Open, Function::Verify] {
        let imports = lend(&server.url(), function, |_| {});
        assert!(imports.lent_as("web").is_empty());
        assert!(matches!(one(&imports, query.clone()).await, Err(Failure::Refused(_))), "{function}");
    }
}

#[tokio::test]
async fn the_path_is_appended_to_the_base_and_an_escape_reaches_nobody() {
    let server = mirror().await;
    let imports = lend(&format!("{}/base/", server.url()), Function::Send, |_| {});
    let seen = String::from_utf8(one(&imports, get("/read?a=1")).await.unwrap().body).unwrap();
    assert!(seen.starts_with("GET /base/read?a=1 "), "{seen}");
    let before = server.connections();
    for path in ["/../x", "//x", "/%2e%2e/x", "http://x/"] {
        assert!(matches!(one(&imports, get(path)).await, Err(Failure::Refused(_))), "{path}");
    }
    assert_eq!(server.connections(), before);
}
