//! The service that the notebook adapter speaks to, in memory.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Default)]
struct Kept {
    notes: Vec<(String, String)>,
    headers: Vec<HeaderMap>,
    /// Whether the next question for a note is answered as if it had not come yet.
    overlooks: bool,
}

pub struct NotebookService {
    pub address: String,
    kept: Arc<Mutex<Kept>>,
}

impl NotebookService {
    pub async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::<Mutex<Kept>>::default();
        let keep = kept.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let keep = keep.clone();
                let service = service_fn(move |request| answer(request, keep.clone()));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        NotebookService { address, kept }
    }

    /// Has it overlook a note once.
    pub fn overlook(&self) {
        self.kept.lock().unwrap().overlooks = true;
    }

    /// The headers of all requests.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.kept.lock().unwrap().headers.clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    kept: Arc<Mutex<Kept>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut kept = kept.lock().unwrap();
    kept.headers.push(head.headers);
    let page = json!({"number": 1, "hash": "0x01"});
    let last = head.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let (status, body) = match (head.method.as_str(), last.as_str()) {
        ("GET", "page") => (200, page),
        ("POST", "notes") => {
            let sent: Value = serde_json::from_slice(&body).unwrap();
            let note = sent["note"].as_str().unwrap().to_owned();
            let id = berth_admission::Digest::of(note.as_bytes()).to_string();
            kept.notes.push((id.rsplit(':').next().unwrap().to_owned(), note));
            (201, Value::Null)
        }
        _ if std::mem::take(&mut kept.overlooks) => (404, Value::Null),
        (_, id) => match kept.notes.iter().find(|(known, _)| known == id) {
            Some((_, note)) => (200, json!({"note": note, "page": page, "line": 0})),
            None => (404, Value::Null),
        },
    };
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(body.to_string()))).unwrap())
}
