//! From a signature to an envelope; replacements; the end of calls that are given up.

use adapter_sdk::{
    Imports,
    types::{
        CallOptions, Envelope, Error, ErrorCode, HashAlgorithm, Party, PublicKey, Signature, SignatureScheme,
        Step, Validity,
    },
};

use super::{
    begin::{self, Account},
    blocks, call,
    errors::{corrupt, invalid},
    leases::{self, Counts, Signing},
    receipt::{self, Known},
    records::{self, Pending, Tracking},
    rpc::{self, Nodes},
    settings::Settings,
};
use crate::wire::{Body, Parcel, Signed, Wire as _, private_digest};

/// The most rounds of signatures of one call.
const MAX_ROUNDS: u8 = 16;

/// Goes on with the signature: an envelope where the nonce is this call's, otherwise the next nonce to sign.
pub(super) async fn resume(
    settings: &Settings,
    host: &dyn Imports,
    continuation: &[u8],
    signatures: &[Signature],
) -> Result<Step, Error> {
    let mut pending = Pending::decode(continuation).map_err(|_| not_a_continuation())?;
    of_this_space(settings, &pending.body)?;
    let now = host.now_millis();
    if now >= pending.until {
        return Err(Error::new(ErrorCode::Expired, "the signature came too late: begin the call anew"));
    }
    let [signature] = signatures else {
        return Err(invalid(format!("one signature is wanted, not {}", signatures.len())));
    };
    let signature = sealed(host, &pending.body, signature)?;
    let nodes = Nodes::lent(host)?;
    let account = pending.body.sender();
    let counts = counts(settings, &nodes, &account, now).await?;
    let until = now.saturating_add(settings.lease_millis);
    let envelope = leases::Envelope {
        owner: pending.owner,
        nonce: pending.body.nonce,
        id: pending.body.id(),
        until,
        last_block: pending.body.last_block,
        replaces: pending.replaces.is_some(),
    };
    match leases::update(settings, host, &account, |book| book.sign(envelope, counts)).await? {
        Signing::Taken => Ok(Step::Send(seal(pending, signature))),
        Signing::Move(_) if pending.rounds >= MAX_ROUNDS => Err(Error::retryable(
            ErrorCode::Conflict,
            "other calls of this account came first again and again: begin the call anew",
        )),
        Signing::Move(nonce) => {
            pending.rounds += 1;
            pending.until = until;
            pending.body.nonce = nonce;
            Ok(pending.ask())
        }
    }
}

fn not_a_continuation() -> Error {
    invalid("the continuation is not this adapter's, or of a later version")
}

pub(super) fn of_this_space(settings: &Settings, body: &Body) -> Result<(), Error> {
    if body.chain == settings.chain && body.space == settings.space {
        return Ok(());
    }
    Err(invalid("it is of another ledger or space than the settings"))
}

async fn counts(settings: &Settings, nodes: &Nodes<'_>, account: &str, now: u64) -> Result<Counts, Error> {
    let asks = [blocks::ask_status(settings), begin::ask_account(settings, account)];
    let mut answers = nodes.ask(&asks).await.into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Err(corrupt("there is none")));
    let status = blocks::read_status(settings, next()?)?;
    let account: Account = rpc::decode(next()?)?;
    Ok(Counts { pending: account.pending.max(account.nonce), head: status.head.number, now })
}

/// The signature in the ledger's form, if it is the sender's.
fn sealed(host: &dyn Imports, body: &Body, signature: &Signature) -> Result<Vec<u8>, Error> {
    let wrong = || invalid("the signature is not this key's over what was to be signed");
    let key = body.key();
    if !host.verify(&key, &body.input(), signature) {
        return Err(wrong());
    }
    if key.scheme != SignatureScheme::EcdsaSecp256k1Keccak256 {
        return Ok(signature.bytes.clone());
    }
    let digest = host.hash(HashAlgorithm::Keccak256, &body.encode());
    let parity = match signature.recovery_id {
        Some(parity) => parity,
        None => parity(host, &key, &digest, signature).ok_or_else(wrong)?,
    };
    Ok([signature.bytes.as_slice(), &[parity]].concat())
}

/// The parity that the signer did not give.
fn parity(host: &dyn Imports, key: &PublicKey, digest: &[u8], signature: &Signature) -> Option<u8> {
    (0..=1).find(|parity| {
        let tried = Signature { recovery_id: Some(*parity), ..signature.clone() };
        host.recover(key.scheme, digest, &tried).as_ref() == Some(&key.point)
    })
}

fn seal(pending: Pending, signature: Vec<u8>) -> Envelope {
    let Pending { after, body, private, .. } = pending;
    let tracking = Tracking {
        account: body.sender(),
        nonce: body.nonce,
        first_block: after.saturating_add(1),
        last_block: body.last_block,
    };
    Envelope {
        transaction: hex::encode(body.id()),
        // The next block after this one is the last that can carry it.
        valid_until: Validity::Block(body.last_block.saturating_sub(1)),
        bytes: Parcel { transaction: Signed { body, signature }, private }.encode(),
        tracking: tracking.encode(),
    }
}

/// Gives a call up.
pub(super) async fn abandon(
    settings: &Settings,
    host: &dyn Imports,
    continuation: &[u8],
) -> Result<(), Error> {
    let pending = Pending::decode(continuation).map_err(|_| not_a_continuation())?;
    of_this_space(settings, &pending.body)?;
    leases::update(settings, host, &pending.body.sender(), |book| {
        book.give_up(pending.owner);
        Ok(())
    })
    .await
}

/// Starts a transaction with the original's nonce and effect, that pays more.
pub(super) async fn replace(
    settings: &Settings,
    host: &dyn Imports,
    original: &Envelope,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Step, Error> {
    let parcel =
        Parcel::decode(&original.bytes).map_err(|_| invalid("the envelope is not this adapter's"))?;
    let before = &parcel.transaction.body;
    let id = before.id();
    if original.transaction != hex::encode(id) {
        return Err(invalid("the envelope's bytes are not those of its transaction"));
    }
    of_this_space(settings, before)?;
    let limits = call::limits(options)?;
    if limits.at.is_some() {
        return Err(Error::unsupported("`at` for anything but `evaluate`"));
    }
    if options.amount.is_some() && limits.amount != before.amount {
        return Err(invalid("a replacement pays the same amount as its original"));
    }
    let signer = call::party(parties)?;
    if signer.account != before.sender() {
        return Err(Error::new(ErrorCode::PermissionDenied, "only the original's sender can replace it"));
    }
    let nodes = Nodes::lent(host)?;
    let status = blocks::chain_status(settings, &nodes).await?;
    if let Known::Block { .. } = receipt::look(settings, &nodes, &id).await? {
        return Err(Error::new(ErrorCode::AlreadyExists, "the original is in a block already"));
    }
    let account: Account = nodes.one(begin::ask_account(settings, &signer.account)).await?;
    if account.nonce > before.nonce {
        return Err(Error::retryable(ErrorCode::Conflict, "another transaction used the original's nonce"));
    }
    let mark = begin::mark(&options.salt);
    let mut body = Body {
        certificate: signer.key.certificate.clone(),
        last_block: status.head.number.saturating_add(settings.window_blocks),
        // Nodes take a replacement that pays a tenth more.
        price: status.price.max(before.price.saturating_add(before.price / 10).saturating_add(1)),
        mark,
        private: private_digest(&mark, &parcel.private),
        ..before.clone()
    };
    let needed = begin::attempt(settings, &nodes, &body).await?;
    let spare = account.balance()?.saturating_sub(body.amount);
    body.units = begin::units(needed, body.price, limits.max_fee, spare)?;

    let now = host.now_millis();
    let until = now.saturating_add(settings.lease_millis);
    let owner = records::owner(&options.salt);
    let counts = Counts { pending: account.pending, head: status.head.number, now };
    leases::update(settings, host, &signer.account, |book| {
        book.lease_for_replacement(owner, body.nonce, counts, until);
        Ok(())
    })
    .await?;
    let after = status.head.number;
    let pending =
        Pending { owner, until, rounds: 1, replaces: Some(id), after, body, private: parcel.private };
    Ok(pending.ask())
}
