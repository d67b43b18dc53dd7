//! How long it takes. A generous bound that only a change of kind can miss; the figures are for whoever runs it.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod world;

use std::time::{Duration, Instant};

use berth_admission::{memory::Floor, verify};
use world::Attempt;

/// Verifies the good case once: two certifiers' signatures on two envelopes, one witness's, and a path in the log.
#[test]
fn a_bundle_is_verified_well_below_ten_milliseconds() {
    let attempt = Attempt::default();
    let issued = attempt.issue();
    let (policy, list, floor) = (world::policy(), world::list(), Floor::default());
    let grounds = verify::Grounds { policy: &policy, list: Some(&list), floor: &floor, now: world::now() };
    let offer = verify::Offer {
        file: &issued.file,
        bundle: Some(&issued.json),
        tier: attempt.tier,
        name: None,
        limits: None,
    };
    // The fastest of some, since other work on the machine only ever adds to it.
    let fastest = (0..50)
        .map(|_| {
            let start = Instant::now();
            verify::verify(&offer, &grounds).unwrap();
            start.elapsed()
        })
        .min()
        .unwrap();
    println!("verify: {fastest:?}");
    assert!(fastest < Duration::from_millis(10), "{fastest:?}");
}
