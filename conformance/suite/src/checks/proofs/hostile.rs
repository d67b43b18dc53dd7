//! Proofs and anchors of strangers.

use adapter_spec::{
    CallError,
    types::{ErrorCode, Proof},
};

use super::claims::{anchor, prove, truths};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::Trial,
};

/// Bytes of a proof that nobody would make, of so many bytes and fewer.
const LONG: usize = 4 << 20;

async fn proof(trial: &mut Trial) -> Result<Proof, Stop> {
    let truths = truths(trial).await?;
    let Some(claim) = truths.claims.first() else {
        return Err(Stop::NotApplicable("no kind of claim is declared".into()));
    };
    prove(trial, &truths.application, claim).await
}

pub(super) async fn broken_proofs(trial: &mut Trial) -> Checked {
    let proof = proof(trial).await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    let half = proof.bytes.get(..proof.bytes.len() / 2).unwrap_or_default().to_vec();
    let tries = [
        ("no bytes", Vec::new()),
        ("one byte", trial.bytes(1)),
        ("random bytes", trial.bytes(333)),
        ("half a proof", half),
        ("text", b"{\"proof\": true}".to_vec()),
        ("a proof and more", [proof.bytes.as_slice(), &[0]].concat()),
    ];
    for (what, bytes) in tries {
        let expected = format!("{what} for a proof: corrupt-response");
        let error = verifier.verify(&anchor, &Proof { bytes, ..proof.clone() }).await.refused(&expected)?;
        ensure(error.code == ErrorCode::CorruptResponse, expected, || error.to_string())?;
    }
    Ok(())
}

pub(super) async fn broken_anchors(trial: &mut Trial) -> Checked {
    let proof = proof(trial).await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    let half = anchor.get(..anchor.len() / 2).unwrap_or_default().to_vec();
    let tries = [
        ("no bytes", Vec::new()),
        ("one byte", trial.bytes(1)),
        ("five random bytes", trial.bytes(5)),
        ("text", b"{\"anchor\": true}".to_vec()),
        ("half an anchor", half),
    ];
    for (what, bytes) in tries {
        let expected = format!("{what} for an anchor: invalid-argument");
        let error = verifier.verify(&bytes, &proof).await.refused(&expected)?;
        ensure(error.code == ErrorCode::InvalidArgument, expected, || error.to_string())?;
    }
    Ok(())
}

pub(super) async fn long_and_deep(trial: &mut Trial) -> Checked {
    let proof = proof(trial).await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    let start = proof.bytes.get(..proof.bytes.len() / 2).unwrap_or_default().to_vec();
    let again = proof.bytes.iter().copied().cycle().take(LONG).collect();
    let tries: Vec<Vec<u8>> = vec![
        vec![0; LONG],
        vec![0xff; LONG],
        trial.bytes(LONG),
        again,
        [start.as_slice(), &vec![0xff; 1000]].concat(),
        [start.as_slice(), &vec![0x80; LONG]].concat(),
        [vec![b'['; 200_000], vec![b']'; 200_000]].concat(),
        // Lists within lists, as RLP, CBOR and protobuf nest.
        vec![0xc1; 100_000],
        vec![0x81; 100_000],
        vec![0x0a; 100_000],
    ];
    for bytes in tries {
        let expected = "verify answers corrupt-response to any bytes, in bounded time and memory";
        let what = format!("{} bytes, 0x{}…", bytes.len(), hex::encode(bytes.get(..8).unwrap_or_default()));
        match verifier.verify(&anchor, &Proof { bytes, ..proof.clone() }).await {
            Err(CallError::Answered(error)) => {
                ensure(error.code == ErrorCode::CorruptResponse, expected, || format!("{what}: {error}"))?;
            }
            Ok(()) => return fail(expected, format!("success, for {what}")),
            Err(ended) => return fail(expected, format!("{what}: {ended}")),
        }
    }
    Ok(())
}
