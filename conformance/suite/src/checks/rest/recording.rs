//! The same calls with the same answers of imports.

use crate::{
    check::{Checked, ensure},
    checks::deeds::{DEEDS, Day, ended},
    trial::{Again, Disturbance, Trial, Which},
};

/// Everything that an application did is done again from its recording: by one ledger, and by a new one for each call.
pub(super) async fn again(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for deed in DEEDS {
        if day.can(trial, *deed) {
            day.calmly(trial, *deed).await?;
            day.under(trial, *deed, &[(Which::all(), Disturbance::Page)]).await?;
        }
    }
    let app = &day.application;
    // What only comes out differently now and then gets several chances.
    for is_fresh in [false, true, false, true] {
        let how = if is_fresh { "in a fresh instance each" } else { "in one fresh instance" };
        let Again { endings, parted } = app.again(is_fresh).await?;
        ensure(parted.is_none(), format!("the same import calls, {how}"), || parted.unwrap_or_default())?;
        for (call, ending) in &endings {
            ensure(call.ending == *ending, format!("{}, {how}: the same result", call.function), || {
                let now = crate::trial::Observed { ending: ending.clone(), ..call.clone() };
                format!("{}, and before {}", ended(&now), ended(call))
            })?;
        }
    }
    Ok(())
}
