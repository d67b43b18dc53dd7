//! The host's own cache of compiled code.
//!
//! Compiled code runs outside every sandbox, so the host only takes back what it wrote itself: each file carries an
//! HMAC-SHA-256 under a key that lies in the same folder, readable by the host's user alone. The MAC covers the
//! component's digest and the engine's configuration, so that no file can stand in for another.

use std::{
    fs::{self, File, OpenOptions},
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

/// First bytes of a cached file.
const MAGIC: &[u8; 8] = b"berthwc1";
/// Bytes of a MAC and of the key.
const MAC_BYTES: usize = 32;
/// The most bytes of a cached file.
const MAX_FILE: u64 = 256 << 20;

/// A folder of compiled components.
pub(crate) struct CodeCache {
    folder: PathBuf,
    key: zeroize::Zeroizing<[u8; MAC_BYTES]>,
    engine: [u8; 32],
}

/// Feeds what wasmtime hashes of its configuration into SHA-256.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// SHA-256 of all that compiled code depends on.
pub(crate) fn fingerprint(engine: &Engine) -> [u8; 32] {
    let mut fingerprint = Fingerprint(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut fingerprint);
    fingerprint.0.finalize().into()
}

impl CodeCache {
    /// Opens the cache in `folder`, making the folder and the key if they are not there.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        make_private_folder(folder)?;
        let key = read_or_make_key(&folder.join("key"))?;
        Ok(CodeCache { folder: folder.to_owned(), key, engine: fingerprint(engine) })
    }

    fn path(&self, digest: [u8; 32]) -> PathBuf {
        let engine: String = hex::encode(self.engine).chars().take(16).collect();
        self.folder.join(format!("{}-{engine}.code", hex::encode(digest)))
    }

    fn mac(&self, digest: [u8; 32], code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).ok()?;
        mac.update(MAGIC);
        mac.update(&self.engine);
        mac.update(&digest);
        mac.update(code);
        Some(mac)
    }

    /// The compiled component, if this host wrote it down for this very engine. Anything else is as if not there.
    pub(crate) fn load(&self, engine: &Engine, digest: [u8; 32]) -> Option<Component> {
        let path = self.path(digest);
        let file = File::open(&path).ok()?;
        let length = file.metadata().ok()?.len();
        if length > MAX_FILE {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
        file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (tag, code) = rest.split_at_checked(MAC_BYTES)?;
        if self.mac(digest, code)?.verify_slice(tag).is_err() {
            tracing::warn!(path = %path.display(), "cached code was not written by this host; it is compiled anew");
            return None;
        }
        deserialize(engine, code).ok()
    }

    /// Writes a compiled component down, whole or not at all.
    pub(crate) fn store(&self, digest: [u8; 32], component: &Component) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        let tag = self.mac(digest, &code).ok_or_else(|| io::Error::other("no key"))?.finalize().into_bytes();
        let path = self.path(digest);
        let unique = getrandom::u64().map_err(io::Error::other)?;
        let half_written = path.with_extension(format!("{unique:x}.tmp"));
        let written = private_file(&half_written).and_then(|mut file| {
            file.write_all(MAGIC)?;
            file.write_all(&tag)?;
            file.write_all(&code)?;
            file.sync_all()?;
            fs::rename(&half_written, &path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&half_written);
        }
        written
    }
}

/// Native code from bytes.
///
/// # Safety argument
/// `Component::deserialize` trusts its input entirely. This is its one caller, and it is reached only from
/// [`CodeCache::load`], after the HMAC has shown that these bytes are what `Component::serialize` gave this host, for
/// this component and this engine, and that they have not changed since; and from
/// [`CompilerChild::compile`](crate::CompilerChild), with what a child of this host, its own program, wrote into a pipe
/// that nobody else has.
#[expect(unsafe_code, reason = "the bytes are this host's own, which their MAC or their pipe has shown")]
pub(crate) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: see above.
    unsafe { Component::deserialize(engine, code) }
}

/// A new file that only this user can read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A folder that only this user can reach, with whatever lies above it.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The key of the MACs; made once.
fn read_or_make_key(path: &Path) -> io::Result<zeroize::Zeroizing<[u8; MAC_BYTES]>> {
    let mut key = zeroize::Zeroizing::new([0; MAC_BYTES]);
    match File::open(path) {
        Ok(mut file) => {
            file.read_exact(&mut *key)?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            getrandom::fill(&mut *key).map_err(io::Error::other)?;
            // Written whole under another name first: another host that starts now sees all of it or nothing.
            let unique = getrandom::u64().map_err(io::Error::other)?;
            let half_written = path.with_extension(format!("{unique:x}.tmp"));
            private_file(&half_written).and_then(|mut file| {
                file.write_all(&*key)?;
                file.sync_all()
            })?;
            let linked = fs::hard_link(&half_written, path);
            fs::remove_file(&half_written)?;
            match linked {
                Ok(()) => Ok(key),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_or_make_key(path),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}
