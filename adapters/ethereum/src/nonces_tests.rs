//! The rules of the book of nonces.

use super::*;

fn counts(latest: u64, pending: u64, now: u64) -> Counts {
    Counts { latest, pending, now }
}

fn owner(n: u8) -> Owner {
    Owner::repeat_byte(n)
}

fn hash(n: u8) -> B256 {
    B256::repeat_byte(n)
}

#[test]
fn calls_that_begin_together_get_different_nonces_and_the_same_call_gets_its_own() {
    let mut book = Book::default();
    let counts = counts(5, 5, 0);
    assert_eq!(book.lease(owner(1), counts, 100), 5);
    assert_eq!(book.lease(owner(2), counts, 100), 6);
    assert_eq!(book.lease(owner(1), counts, 100), 5);
    book.release(owner(1));
    assert_eq!(book.lease(owner(3), counts, 100), 5);
}

#[test]
fn a_signature_for_a_higher_nonce_moves_down_to_the_lowest_that_is_not_taken() {
    let mut book = Book::default();
    let at = counts(0, 0, 0);
    book.lease(owner(1), at, 100);
    assert_eq!(book.lease(owner(2), at, 100), 1);
    assert_eq!(book.sign(owner(2), 1, hash(2), at, 100).unwrap(), Signing::Move(0));
    assert_eq!(book.sign(owner(2), 0, hash(3), at, 100).unwrap(), Signing::Taken);
    // The slow one comes back and moves up.
    assert_eq!(book.sign(owner(1), 0, hash(1), at, 100).unwrap(), Signing::Move(1));
    assert_eq!(book.sign(owner(1), 1, hash(4), at, 100).unwrap(), Signing::Taken);
}

#[test]
fn an_envelope_that_is_never_sent_frees_its_nonce_when_its_time_is_over() {
    let mut book = Book::default();
    book.sign(owner(1), 0, hash(1), counts(0, 0, 0), 100).unwrap();
    assert_eq!(book.lease(owner(2), counts(0, 0, 99), 200), 1);
    assert_eq!(book.lease(owner(3), counts(0, 0, 100), 200), 0);
    assert_eq!(book.sign(owner(3), 0, hash(3), counts(0, 0, 100), 200).unwrap(), Signing::Taken);
    assert_eq!(book.begin_sending(0, hash(1), 200), Sending::GivenAway);
    assert_eq!(book.begin_sending(0, hash(3), 200), Sending::First);
    assert_eq!(book.begin_sending(0, hash(3), 200), Sending::Again);
}

#[test]
fn a_sent_nonce_stays_taken_until_the_chain_uses_it_or_the_node_forgets_it() {
    let mut book = Book::default();
    book.sign(owner(1), 0, hash(1), counts(0, 0, 0), 100).unwrap();
    book.begin_sending(0, hash(1), 100);
    let later = counts(0, 0, 1000);
    assert_eq!(book.lease(owner(2), later, 2000), 1);
    assert_eq!(book.doubtful(later), [hash(1)]);
    book.settle(0, true, 2000);
    assert!(book.doubtful(later).is_empty());
    assert_eq!(book.sign(owner(2), 1, hash(2), later, 2000).unwrap(), Signing::Taken);
    book.settle(0, false, 2000);
    assert_eq!(book.lease(owner(3), later, 2000), 0);
    assert_eq!(book.sign(owner(3), 0, hash(3), later, 2000).unwrap(), Signing::Taken);
    // The forgotten one is an alternative of the new one.
    assert_eq!(book.begin_sending(0, hash(1), 2000), Sending::Again);
    assert_eq!(book.alternatives(hash(1)), [hash(3)]);
    book.tidy(counts(1, 1, 1000));
    assert_eq!(book.alternatives(hash(1)), [hash(3)]);
    assert_eq!(book.slots.len(), 1);
}

#[test]
fn a_refused_envelope_leaves_its_nonce_to_the_next_call() {
    let mut book = Book::default();
    book.sign(owner(1), 0, hash(1), counts(0, 0, 0), 100).unwrap();
    book.begin_sending(0, hash(1), 100);
    book.not_sent(0, hash(1), None);
    assert_eq!(book.lease(owner(2), counts(0, 0, 1), 100), 0);
    assert!(book.adopt(0, owner(1), hash(1), 100).unwrap());
    assert_eq!(book.begin_sending(0, hash(1), 100), Sending::First);
    book.not_sent(0, hash(1), Some(100));
    assert_eq!(book.begin_sending(0, hash(1), 100), Sending::First);
}

#[test]
fn replacements_share_the_originals_nonce_and_nothing_else_does() {
    let mut book = Book::default();
    let at = counts(3, 3, 0);
    book.sign(owner(1), 3, hash(1), at, 100).unwrap();
    assert!(book.replace(hash(1), 3, owner(2), hash(2), at, 100).unwrap());
    assert!(!book.replace(hash(9), 3, owner(2), hash(3), at, 100).unwrap());
    assert!(!book.replace(hash(1), 2, owner(2), hash(3), at, 100).unwrap());
    assert_eq!(book.alternatives(hash(2)), [hash(1)]);
}

#[test]
fn the_book_stays_bounded() {
    let mut book = Book::default();
    for n in 0..1000u64 {
        let mut owner = [0; 16];
        owner[..8].copy_from_slice(&n.to_be_bytes());
        book.lease(owner.into(), counts(0, 0, 0), 100);
    }
    assert_eq!(book.leases.len(), MAX_LEASES);
    for n in 0..257u64 {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let mut owner = [1; 16];
        owner[..8].copy_from_slice(&n.to_be_bytes());
        let signed = book.sign(owner.into(), n, id.into(), counts(0, 0, 0), 100);
        assert_eq!(signed.is_ok(), n < 256, "{n}");
    }
}

proptest::proptest! {
    #[test]
    fn no_nonce_is_held_by_two_calls_and_none_is_skipped(steps: Vec<(u8, u8, u8)>) {
        // Calls begin, come back with signatures for what they were told, or are given up, in any order.
        let mut book = Book::default();
        let mut told = std::collections::BTreeMap::new();
        let mut held = std::collections::BTreeMap::new();
        for (n, (who, what, _)) in steps.iter().enumerate() {
            let (who, at) = (who % 8, counts(0, 0, 0));
            match what % 3 {
                0 => { told.insert(who, book.lease(owner(who), at, 100)); }
                1 => {
                    if let Some(nonce) = told.get(&who).copied() {
                        let mut id = [0; 32];
                        id[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
                        match book.sign(owner(who), nonce, id.into(), at, 100) {
                            Ok(Signing::Taken) => {
                                let holder = held.entry(nonce).or_insert(who);
                                proptest::prop_assert_eq!(*holder, who);
                                told.remove(&who);
                            }
                            Ok(Signing::Move(to)) => { told.insert(who, to); }
                            Err(error) => proptest::prop_assert_eq!(error.code, ErrorCode::QuotaExceeded),
                        }
                    }
                }
                _ => { book.release(owner(who)); told.remove(&who); }
            }
        }
        // Taken nonces are 0, 1, 2, … without a gap.
        for (place, nonce) in held.keys().enumerate() {
            proptest::prop_assert_eq!(place as u64, *nonce);
        }
    }

    #[test]
    fn any_stored_bytes_decode_or_are_an_error(bytes: Vec<u8>) {
        let _ = decode(Some(&bytes));
        let _ = decode(Some(&[vec![KIND.0, KIND.1], bytes].concat()));
    }
}
