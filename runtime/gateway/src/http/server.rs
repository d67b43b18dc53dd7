//! Listeners.

use std::{convert::Infallible, net::SocketAddr, path::Path, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use berth_identity::Fingerprint;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::OwnedSemaphorePermit,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{
    limits::{Limits, Place, Places},
    patience::{Activity, hurried},
};

/// For requests that run when the node is stopped.
const LAST_REQUESTS: Duration = Duration::from_secs(30);
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// Of those that a peer takes back before they are looked at; a peer that takes back more is sent away (CVE-2023-44487).
const MAX_TAKEN_BACK: usize = 20;
/// Of those that break the protocol and are answered with a reset; a peer that makes more is sent away.
const MAX_BROKEN: usize = 128;
/// Bytes of a request's line and headers over HTTP/1.
const MAX_HEAD: usize = 64 << 10;
/// Bytes of a request's headers over HTTP/2.
const MAX_HEADERS: u32 = 32 << 10;

/// The certificate that the other side of a connection showed, and that the node's authority made.
#[derive(Clone, Copy, Debug)]
pub struct PeerCertificate(pub Fingerprint);

/// Why nothing listens.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address or path cannot be had.
    #[error("{address} cannot be listened on")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The node's certificate or key does not decode, or they do not belong together.
    #[error("the node's own certificate: {0}")]
    Certificate(String),
}

/// A listener that runs. It ends when its token is cancelled and the last requests are answered.
#[derive(Debug)]
pub struct Listening {
    /// Where; with the port that was free where none was asked for.
    pub address: String,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    /// Waits for its end.
    pub async fn ended(self) {
        let _ = self.task.await;
    }
}

/// TLS with this chain and key, asking clients for a certificate by this authority; who shows none may sign requests instead.
///
/// # Errors
/// [`ServerError::Certificate`]
pub fn tls(chain_pem: &str, key_pem: &str, authority_pem: &str) -> Result<Arc<ServerConfig>, ServerError> {
    let wrong = |what: String| ServerError::Certificate(what);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("it is not PEM".into()))?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|_| wrong("its key is no private key in PEM".into()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
        let certificate = certificate.map_err(|_| wrong("the authority is not PEM".into()))?;
        roots.add(certificate).map_err(|error| wrong(format!("the authority: {error}")))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| wrong(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves on a TCP address, with TLS where it is given.
///
/// # Errors
/// [`ServerError::Listen`]
pub async fn listen(
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) -> Result<Listening, ServerError> {
    listen_within(address, tls, router, Limits::default(), stop).await
}

/// The same, within these limits.
///
/// # Errors
/// [`ServerError::Listen`]
pub async fn listen_within(
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> Result<Listening, ServerError> {
    let failed = |source| ServerError::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?.to_string();
    let acceptor = tls.map(TlsAcceptor::from);
    let task = tokio::spawn(async move {
        let (connections, graceful) = (Connections::new(router, limits), GracefulShutdown::new());
        loop {
            let Some(free) = connections.free(&stop).await else { break };
            let socket = tokio::select! {
                socket = listener.accept() => socket,
                () = stop.cancelled() => break,
            };
            // Out of file descriptors, mostly: others end soon.
            let Ok((socket, from)) = socket else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Some(place) = connections.places.take(free, Some(from.ip())) else { continue };
            let _ = socket.set_nodelay(true);
            match acceptor.clone() {
                None => connections.serve(socket, None, place, graceful.watcher()),
                Some(acceptor) => {
                    let (connections, watcher, stop) =
                        (connections.clone(), graceful.watcher(), stop.clone());
                    tokio::spawn(async move {
                        let agreed = tokio::select! {
                            agreed = tokio::time::timeout(limits.headers, acceptor.accept(socket)) => agreed,
                            () = stop.cancelled() => return,
                        };
                        // Whoever does not come through the handshake is none of ours.
                        let Ok(Ok(stream)) = agreed else { return };
                        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                        let peer = shown.map(|certificate| PeerCertificate(Fingerprint::of(certificate)));
                        connections.serve(stream, peer, place, watcher);
                    });
                }
            }
        }
        end(graceful).await;
    });
    Ok(Listening { address, task })
}

/// Serves on a socket in the file system that only this user can open. A socket that an ended process left is replaced.
///
/// # Errors
/// [`ServerError::Listen`], also where another process listens there.
pub async fn listen_unix(
    path: &Path,
    router: Router,
    stop: CancellationToken,
) -> Result<Listening, ServerError> {
    use std::os::unix::fs::PermissionsExt as _;
    let address = path.display().to_string();
    let failed = |source| ServerError::Listen { address: address.clone(), source };
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(failed(std::io::Error::other("another node listens there")));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let path = path.to_owned();
    let task = tokio::spawn(async move {
        let (connections, graceful) = (Connections::new(router, Limits::default()), GracefulShutdown::new());
        loop {
            let Some(free) = connections.free(&stop).await else { break };
            let socket = tokio::select! {
                socket = listener.accept() => socket,
                () = stop.cancelled() => break,
            };
            let Ok((socket, _)) = socket else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Some(place) = connections.places.take(free, None) else { continue };
            connections.serve(socket, None, place, graceful.watcher());
        }
        let _ = std::fs::remove_file(path);
        end(graceful).await;
    });
    Ok(Listening { address, task })
}

/// The connections of one listener.
#[derive(Clone)]
struct Connections {
    router: Router,
    builder: Arc<auto::Builder<TokioExecutor>>,
    limits: Limits,
    places: Places,
}

impl Connections {
    fn new(router: Router, limits: Limits) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.headers).max_buf_size(MAX_HEAD);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADERS)
            .max_pending_accept_reset_streams(MAX_TAKEN_BACK)
            .max_local_error_reset_streams(MAX_BROKEN)
            .keep_alive_interval(Duration::from_secs(30));
        Connections { router, builder: Arc::new(builder), limits, places: Places::new(&limits) }
    }

    async fn free(&self, stop: &CancellationToken) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            free = self.places.free() => free,
            () = stop.cancelled() => None,
        }
    }

    fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Option<PeerCertificate>,
        place: Place,
        watcher: Watcher,
    ) {
        let (router, limits, activity) = (self.router.clone(), self.limits, Activity::new());
        let heard = activity.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let (router, running) = (router.clone(), heard.runs());
            async move {
                let answer = router.oneshot(request.map(|body| hurried(body, &limits))).await?;
                Ok::<_, Infallible>(answer.map(|body| running.answers(body)))
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = watcher.watch(connection);
        tokio::spawn(async move {
            let connection = pin!(connection);
            tokio::select! {
                // What has come is taken before the connection is held to be idle.
                biased;
                // A client that goes away is its own business.
                _ = connection => {}
                () = activity.idle(&limits) => {}
            }
            drop(place);
        });
    }
}

/// Lets the last requests end.
async fn end(graceful: GracefulShutdown) {
    let _ = tokio::time::timeout(LAST_REQUESTS, graceful.shutdown()).await;
}
