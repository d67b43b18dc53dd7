//! Schemas of the types that come in and go out, from their serde forms.
//!
//! A type may read more than it writes: a field that has a default may be left out of a request, and is always in an answer. So
//! there are two generators, and a type that differs is there twice: of requests with `Input` behind its name.

use std::collections::BTreeSet;

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::operation::SchemaOf;

/// Where schemas are in the document.
const PLACE: &str = "/components/schemas";
/// Behind the name of a type that is read in another form than it is written.
const INPUT: &str = "Input";
/// Behind a reference to a type that is read, until all types are known. No type's name has it.
const MARK: &str = "~";

/// What was asked for so far.
pub(super) struct Schemas {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = PLACE.into();
                settings.meta_schema = None;
            })
        };
        Schemas {
            inputs: settings().for_deserialize().into_generator(),
            outputs: settings().for_serialize().into_generator(),
        }
    }

    /// The schema of what is read.
    pub(super) fn input(&mut self, of: SchemaOf) -> Value {
        let mut schema = of(&mut self.inputs).to_value();
        as_read(&mut schema);
        mark(&mut schema);
        schema
    }

    /// The schema of what is written.
    pub(super) fn output(&mut self, of: SchemaOf) -> Value {
        of(&mut self.outputs).to_value()
    }

    /// All schemas by name, and the names of the types that are there twice.
    pub(super) fn end(mut self) -> (Map<String, Value>, BTreeSet<String>) {
        let mut outputs = self.outputs.take_definitions(true);
        let mut inputs = self.inputs.take_definitions(true);
        inputs.values_mut().for_each(as_read);
        let both = || inputs.iter().filter_map(|(name, input)| Some((name, input, outputs.get(name)?)));
        let mut twice: BTreeSet<String> = BTreeSet::new();
        loop {
            // What refers to a type that differs differs itself.
            let more: BTreeSet<String> = both()
                .filter(|(_, input, output)| input != output || refers_to(input, &twice))
                .map(|(name, ..)| name.clone())
                .collect();
            if more == twice {
                break;
            }
            twice = more;
        }
        for (name, mut schema) in inputs {
            mark(&mut schema);
            let name = if twice.contains(&name) { format!("{name}{INPUT}") } else { name };
            outputs.insert(name, schema);
        }
        (outputs, twice)
    }
}

/// A set is read from a list in which something is twice.
fn as_read(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("uniqueItems");
            fields.values_mut().for_each(as_read);
        }
        Value::Array(items) => items.iter_mut().for_each(as_read),
        _ => {}
    }
}

/// Whether a schema refers to one of these.
fn refers_to(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(field, value)| match (field.as_str(), value) {
            ("$ref", Value::String(to)) => names.contains(name_of(to)),
            (_, value) => refers_to(value, names),
        }),
        Value::Array(items) => items.iter().any(|item| refers_to(item, names)),
        _ => false,
    }
}

fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or_default()
}

/// Marks every reference as one to a type that is read.
fn mark(schema: &mut Value) {
    references(schema, &|to| format!("{to}{MARK}"));
}

/// Gives marked references the names that the types have got.
pub(super) fn unmark(document: &mut Value, twice: &BTreeSet<String>) {
    references(document, &|to| match to.strip_suffix(MARK) {
        Some(plain) if twice.contains(name_of(plain)) => format!("{plain}{INPUT}"),
        Some(plain) => plain.to_owned(),
        None => to.to_owned(),
    });
}

fn references(value: &mut Value, change: &impl Fn(&str) -> String) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                match value {
                    Value::String(to) if field == "$ref" => *to = change(to),
                    other => references(other, change),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| references(item, change)),
        _ => {}
    }
}
