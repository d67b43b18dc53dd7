//! Operations of the framework's own.

use adapter_spec::types::{Call, ErrorCode, NativeCall};

use super::{super::describe::native_names, begin::refusal};
use crate::{
    check::{Checked, Stop, ensure},
    trial::Trial,
};

pub(super) async fn are_checked(trial: &mut Trial) -> Checked {
    let names = native_names(trial);
    if names.is_empty() {
        return Err(Stop::NotApplicable("the adapter declares no native call".into()));
    }
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    for name in names {
        let word = trial.name();
        let unfit = [
            String::new(),
            "{".into(),
            word.clone(),
            format!("\"{word}\""),
            format!("[[\"{word}\"]]"),
            "7".into(),
        ];
        for json in unfit {
            let call = Call::Native(NativeCall { name: name.clone(), json: json.clone() });
            let error = refusal(trial, &application, actor.parties(), call).await?;
            let code = error.as_ref().map(|error| error.code);
            ensure(
                code == Some(ErrorCode::InvalidArgument),
                format!("{name} answers invalid-argument to JSON that does not fit: {json:?}"),
                || error.map_or("it takes it".into(), |error| error.to_string()),
            )?;
        }
    }
    Ok(())
}
