//! Settings that fit an adapter's own schema, and settings that do not.
//!
//! Both are made from the schema itself: every value that is made up is put to the schema before it is given to the
//! adapter, so that nothing is asked that the adapter did not declare.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::{
    check::{Stop, fail},
    trial::Trial,
};

/// A schema's name for the dialect that the standard asks for.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// An adapter's settings schema.
pub(super) struct Schema {
    document: Value,
    validator: Validator,
}

/// Settings that do not fit, and what of them.
pub(super) struct Wrong {
    /// A JSON text.
    pub(super) settings: String,
    /// Words of which the refusal must have one.
    pub(super) named: Vec<String>,
    /// For people.
    pub(super) what: String,
}

impl Schema {
    /// Reads the schema as the standard wants it.
    ///
    /// # Errors
    /// A fault that says why it is none.
    pub(super) fn read(text: &str) -> Result<Self, Stop> {
        let expected = "settings-schema: a JSON Schema (draft 2020-12) of an object";
        let document: Value = match serde_json::from_str(text) {
            Ok(document @ Value::Object(_)) => document,
            Ok(_) => return fail(expected, "it is no JSON object"),
            Err(error) => return fail(expected, format!("it is no JSON: {error}")),
        };
        if let Some(dialect) = document.get("$schema")
            && dialect.as_str().map(|dialect| dialect.trim_end_matches('#')) != Some(DRAFT)
        {
            return fail(expected, format!("its $schema is {dialect}"));
        }
        if let Err(error) = jsonschema::draft202012::meta::validate(&document) {
            return fail(expected, format!("it is no JSON Schema: {error}"));
        }
        // Nothing here can fetch what a reference leads to.
        let built = jsonschema::draft202012::options().offline().build(&document);
        let validator =
            built.or_else(|error| fail("no reference that leads out of the schema", error.to_string()))?;
        Ok(Schema { document, validator })
    }

    /// Whether the settings fit.
    pub(super) fn takes(&self, settings: &Value) -> bool {
        self.validator.is_valid(settings)
    }

    fn properties(&self) -> Map<String, Value> {
        self.document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Settings that fit: the test bed's own, with each property in turn as its schema offers it.
    pub(super) fn fitting(&self, own: &Map<String, Value>) -> Vec<Value> {
        let mut fitting = vec![Value::Object(own.clone())];
        for (name, property) in self.properties() {
            for value in offered(&property) {
                let mut settings = own.clone();
                settings.insert(name.clone(), value);
                fitting.push(Value::Object(settings));
            }
            let mut settings = own.clone();
            if settings.remove(&name).is_some() {
                fitting.push(Value::Object(settings));
            }
        }
        fitting.retain(|settings| self.takes(settings));
        fitting
    }

    /// Settings that do not fit: the test bed's own with one thing wrong.
    pub(super) fn misfits(&self, trial: &mut Trial) -> Vec<Wrong> {
        let own = trial.facts.testbed.settings.clone();
        let mut misfits = Vec::new();
        let mut add = |settings: Map<String, Value>, named: Vec<String>, what: String| {
            let settings = Value::Object(settings);
            if !self.takes(&settings) {
                misfits.push(Wrong { settings: settings.to_string(), named, what });
            }
        };
        let unknown = trial.name();
        let mut settings = own.clone();
        settings.insert(unknown.clone(), json!(trial.below(1000)));
        add(settings, vec![unknown.clone()], format!("the unknown setting {unknown:?}"));
        for name in own.keys() {
            let mut settings = own.clone();
            settings.remove(name);
            add(settings, vec![name.clone()], format!("without {name:?}"));
        }
        for (name, property) in self.properties() {
            let (text, number) = (trial.name(), 1_000_000 + trial.below(1_000_000_000));
            let odd = [json!(text), json!(number), json!({ text.clone(): number }), Value::Null];
            let out = beyond(&property);
            for value in odd.into_iter().chain(out) {
                let mut settings = own.clone();
                settings.insert(name.clone(), value.clone());
                let named = vec![name.clone(), text.clone(), number.to_string(), scalar(&value)];
                add(settings, named, format!("{name:?} being {value}"));
            }
        }
        misfits
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The values that a property's schema itself names.
fn offered(property: &Value) -> Vec<Value> {
    let mut values: Vec<Value> = ["default", "const", "minimum", "maximum"]
        .iter()
        .filter_map(|keyword| property.get(*keyword).cloned())
        .collect();
    for keyword in ["enum", "examples"] {
        values.extend(property.get(keyword).and_then(Value::as_array).cloned().unwrap_or_default());
    }
    if property.get("type") == Some(&json!("boolean")) {
        values.extend([json!(true), json!(false)]);
    }
    for keyword in ["oneOf", "anyOf"] {
        let cases = property.get(keyword).and_then(Value::as_array).cloned().unwrap_or_default();
        values.extend(cases.iter().flat_map(offered));
    }
    // An object with what it must have, each as its own schema offers it.
    if let (Some(required), Some(inner)) = (
        property.get("required").and_then(Value::as_array),
        property.get("properties").and_then(Value::as_object),
    ) {
        let mut whole = Map::new();
        for name in required.iter().filter_map(Value::as_str) {
            let first = inner.get(name).map(offered).and_then(|values| values.into_iter().next());
            whole.insert(name.to_owned(), first.unwrap_or_default());
        }
        values.push(Value::Object(whole));
    }
    values
}

/// Numbers just outside of a property's bounds.
fn beyond(property: &Value) -> Vec<Value> {
    let bound = |keyword: &str| property.get(keyword).and_then(Value::as_i64);
    let below = bound("minimum").and_then(|least| least.checked_sub(1));
    let above = bound("maximum").and_then(|most| most.checked_add(1));
    below.into_iter().chain(above).map(|number| json!(number)).collect()
}
