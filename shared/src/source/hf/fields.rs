//! Reading fields of a `config.json`: nesting, absent and null, numbers of either spelling,
//! sane limits.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::{ConfigError, Conversion, Expected};

/// Objects that hold the language model's own configuration in a multimodal one.
pub(super) const NESTS: [&str; 5] = [
    "thinker_config",
    "text_config",
    "llm_config",
    "language_config",
    "text_model_config",
];

/// More layers than any model has.
pub(super) const MAX_LAYERS: u64 = 2_000;
/// Wider than any model's streams, networks or vocabularies.
pub(super) const MAX_WIDTH: u64 = 1 << 27;
/// More heads, experts, groups and the like than any model has.
pub(super) const MAX_COUNT: u64 = 1 << 16;
/// A longer context than any model is trained for.
const MAX_CONTEXT: u64 = 1 << 40;

/// The fields of a configuration, those of the language model's own object first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    root: &'a Map<String, Value>,
    nested: Option<&'a Map<String, Value>>,
    /// What one layer has otherwise than the others.
    layer: Option<&'a Map<String, Value>>,
    defaults: &'static [(&'static str, u64)],
    conversion: Conversion,
}

impl<'a> Fields<'a> {
    /// The fields of `root`, and of the language model's object within it.
    pub(super) fn new(root: &'a Map<String, Value>) -> Self {
        let mut nested = None;
        let mut object = root;
        while let Some(inner) = NESTS
            .iter()
            .find_map(|nest| object.get(*nest).and_then(Value::as_object))
        {
            nested = Some(inner);
            object = inner;
        }
        Self {
            root,
            nested,
            layer: None,
            defaults: &[],
            conversion: Conversion::Current,
        }
    }

    /// The same with the class defaults that a sparse nested object relies on. A configuration
    /// of its own writes all its sizes, so there an absent one is an error.
    pub(super) fn with_defaults(self, defaults: &'static [(&'static str, u64)]) -> Self {
        Self {
            defaults: if self.nested.is_some() { defaults } else { &[] },
            ..self
        }
    }

    /// The same for a file that came to be in this way.
    pub(super) fn with_conversion(self, conversion: Conversion) -> Self {
        Self { conversion, ..self }
    }

    /// How the file came to be.
    pub(super) fn conversion(&self) -> Conversion {
        self.conversion
    }

    /// Whether the language model has an object of its own.
    pub(super) fn is_nested(&self) -> bool {
        self.nested.is_some()
    }

    /// The `model_type`s that may name the family, the most specific first.
    pub(super) fn model_types(&self) -> impl Iterator<Item = &'a str> {
        let nested = self.nested.and_then(|object| object.get("model_type"));
        self.misnamed()
            .into_iter()
            .chain(
                [nested, self.root.get("model_type")]
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str),
            )
            .chain(self.unnamed_mamba())
    }

    /// Grok's files go by the name of another model.
    fn misnamed(&self) -> Option<&'static str> {
        let classes = self.root.get("architectures")?.as_array()?;
        let is_grok = |class: &Value| {
            matches!(
                class.as_str(),
                Some("Grok1ForCausalLM" | "Grok1ModelForCausalLM")
            )
        };
        classes.iter().any(is_grok).then_some("grok")
    }

    /// The first Mamba repositories name their mixer, but no model type.
    fn unnamed_mamba(&self) -> Option<&'static str> {
        let mixer = self.root.get("ssm_cfg")?.as_object()?.get("layer");
        Some(match mixer.and_then(Value::as_str) {
            Some("Mamba2") => "mamba2",
            _ => "mamba",
        })
    }

    /// The value of a field; null is absent, and hides what stands further out.
    pub(super) fn value(&self, field: &str) -> Option<&'a Value> {
        let value = self.objects().find_map(|object| object.get(field))?;
        (!value.is_null()).then_some(value)
    }

    /// The objects that fields are looked up in, the most specific first.
    fn objects(&self) -> impl Iterator<Item = &'a Map<String, Value>> {
        [self.layer, self.nested, Some(self.root)]
            .into_iter()
            .flatten()
    }

    /// The same as one layer has it, where `per_layer_config` sets it apart.
    pub(super) fn at_layer(&self, index: u64) -> Self {
        let layers = self.object("per_layer_config");
        let layer = layers.and_then(|layers| {
            let (_, own) = layers.iter().find(|(key, _)| key.parse() == Ok(index))?;
            own.as_object()
        });
        Self { layer, ..*self }
    }

    /// The object in a field.
    pub(super) fn object(&self, field: &str) -> Option<&'a Map<String, Value>> {
        self.value(field)?.as_object()
    }

    /// A whole number between `minimum` and `maximum`.
    fn integer(
        &self,
        field: &'static str,
        minimum: u64,
        maximum: u64,
    ) -> Result<Option<u64>, ConfigError> {
        match self.value(field) {
            Some(value) => to_integer(value, field, minimum, maximum).map(Some),
            None if self.is_null(field) => Ok(None),
            None => Ok(self.default(field)),
        }
    }

    fn is_null(&self, field: &str) -> bool {
        self.objects()
            .any(|object| object.get(field).is_some_and(Value::is_null))
    }

    fn default(&self, field: &str) -> Option<u64> {
        let entry = self.defaults.iter().find(|(name, _)| *name == field);
        entry.map(|&(_, value)| value)
    }

    /// A width (stream, network, head, vocabulary): at least 1.
    pub(super) fn width(&self, field: &'static str) -> Result<u64, ConfigError> {
        self.width_of(&[field])
    }

    /// A width under the first of several names that is there; errors speak of the first.
    pub(super) fn width_of(&self, names: &[&'static str]) -> Result<u64, ConfigError> {
        self.first(names, 1, MAX_WIDTH)?.ok_or(missing(names))
    }

    /// A width that may be absent. 0 is how some files write that.
    pub(super) fn optional_width(&self, field: &'static str) -> Result<Option<u64>, ConfigError> {
        Ok(self
            .integer(field, 0, MAX_WIDTH)?
            .filter(|&value| value > 0))
    }

    /// A width, or what stands for it where it is absent.
    pub(super) fn width_or(&self, field: &'static str, other: u64) -> Result<u64, ConfigError> {
        Ok(self.optional_width(field)?.unwrap_or(other))
    }

    /// A width that is the same for all layers or has an entry for each.
    pub(super) fn width_per_layer(
        &self,
        field: &'static str,
        layers: usize,
    ) -> Result<Vec<u64>, ConfigError> {
        match self.value(field) {
            Some(Value::Array(_)) => Ok(self.integers(field, layers)?.unwrap_or_default()),
            _ => Ok(vec![self.width(field)?; layers]),
        }
    }

    /// A number of heads, experts, groups: at least 1.
    pub(super) fn count(&self, field: &'static str) -> Result<u64, ConfigError> {
        self.count_of(&[field])
    }

    /// A count under the first of several names that is there.
    pub(super) fn count_of(&self, names: &[&'static str]) -> Result<u64, ConfigError> {
        self.first(names, 1, MAX_COUNT)?.ok_or(missing(names))
    }

    /// A count that may be absent or 0.
    pub(super) fn count_or(&self, field: &'static str, other: u64) -> Result<u64, ConfigError> {
        Ok(self.integer(field, 0, MAX_COUNT)?.unwrap_or(other))
    }

    /// Layers of the main decoder.
    pub(super) fn layers(&self) -> Result<usize, ConfigError> {
        let names = &["num_hidden_layers", "n_layer", "n_layers", "num_layers"];
        let layers = self.first(names, 1, MAX_LAYERS)?.ok_or(missing(names))?;
        Ok(usize::try_from(layers).unwrap_or(usize::MAX))
    }

    /// Layers that predict further tokens, in the field given.
    pub(super) fn prediction_layers(&self, field: &'static str) -> Result<u64, ConfigError> {
        Ok(self.integer(field, 0, MAX_LAYERS)?.unwrap_or(0))
    }

    /// The longest context trained for, where the file says so.
    pub(super) fn context(&self) -> Result<Option<u64>, ConfigError> {
        let names = &[
            "max_position_embeddings",
            "n_positions",
            "n_ctx",
            "max_seq_len",
            "seq_length",
            "max_sequence_length",
            "model_max_length",
        ];
        self.first(names, 1, MAX_CONTEXT)
    }

    fn first(
        &self,
        names: &[&'static str],
        minimum: u64,
        maximum: u64,
    ) -> Result<Option<u64>, ConfigError> {
        for name in names {
            if let Some(value) = self.integer(name, minimum, maximum)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// A flag, where it is there.
    pub(super) fn flag(&self, field: &'static str) -> Result<Option<bool>, ConfigError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(ConfigError::WrongType {
                field,
                expected: Expected::Boolean,
            }),
        }
    }

    /// A flag, or what stands for it where it is absent.
    pub(super) fn flag_or(&self, field: &'static str, other: bool) -> Result<bool, ConfigError> {
        Ok(self.flag(field)?.unwrap_or(other))
    }

    /// A width, or what stands for it where it is absent or `"auto"`.
    pub(super) fn automatic_width(
        &self,
        field: &'static str,
        automatic: u64,
    ) -> Result<u64, ConfigError> {
        match self.text(field) {
            Some("auto") => Ok(automatic),
            _ => self.width_or(field, automatic),
        }
    }

    /// An index, where it is there and not -1, which means none.
    pub(super) fn signed_count(&self, field: &'static str) -> Result<Option<u64>, ConfigError> {
        match self.value(field).and_then(Value::as_i64) {
            Some(-1) => Ok(None),
            _ => self.integer(field, 0, MAX_COUNT),
        }
    }

    /// `value` times the number in `field` (1 where it is absent), rounded down.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the factor is a float by definition; the result is checked to be small"
    )]
    pub(super) fn scaled(&self, field: &'static str, value: u64) -> Result<u64, ConfigError> {
        let Some(factor) = self.value(field) else {
            return Ok(value);
        };
        let factor = factor.as_f64().ok_or(ConfigError::WrongType {
            field,
            expected: Expected::Number,
        })?;
        let scaled = factor * value as f64;
        if (1.0..=MAX_WIDTH as f64).contains(&scaled) {
            Ok(scaled as u64)
        } else {
            Err(ConfigError::OutOfRange {
                field,
                value: factor.to_string(),
                minimum: 0,
                maximum: MAX_WIDTH / value.max(1),
            })
        }
    }

    /// A text, where it is there.
    pub(super) fn text(&self, field: &str) -> Option<&'a str> {
        self.value(field)?.as_str()
    }

    /// Whether the embedding is also the output matrix. In a multimodal configuration the outer
    /// object decides.
    pub(super) fn tied(&self, otherwise: bool) -> Result<bool, ConfigError> {
        let field = "tie_word_embeddings";
        let outer = Self {
            nested: None,
            layer: None,
            ..*self
        };
        match outer.flag(field)? {
            Some(flag) => Ok(flag),
            None => self.flag_or(field, otherwise),
        }
    }

    /// A list of whole numbers, one a layer.
    pub(super) fn integers(
        &self,
        field: &'static str,
        layers: usize,
    ) -> Result<Option<Vec<u64>>, ConfigError> {
        let Some(list) = self.list(field, layers)? else {
            return Ok(None);
        };
        list.iter()
            .map(|value| to_integer(value, field, 0, MAX_WIDTH))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A list of texts, one a layer.
    pub(super) fn texts(
        &self,
        field: &'static str,
        layers: usize,
    ) -> Result<Option<Vec<&'a str>>, ConfigError> {
        let Some(list) = self.list(field, layers)? else {
            return Ok(None);
        };
        let texts = list.iter().map(|value| {
            value.as_str().ok_or(ConfigError::WrongType {
                field,
                expected: Expected::Text,
            })
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// A list with at least an entry per layer; what stands beyond the layers is left out.
    fn list(&self, field: &'static str, layers: usize) -> Result<Option<&'a [Value]>, ConfigError> {
        match self.value(field) {
            None => Ok(None),
            Some(Value::Array(list)) => {
                list.get(..layers).map(Some).ok_or(ConfigError::ListLength {
                    field,
                    found: list.len(),
                    expected: layers,
                })
            }
            Some(_) => Err(ConfigError::WrongType {
                field,
                expected: Expected::List,
            }),
        }
    }

    /// A list of texts whose length is the number of layers.
    pub(super) fn all_texts(&self, field: &'static str) -> Result<Vec<&'a str>, ConfigError> {
        let entries = match self.value(field) {
            Some(Value::Array(list)) => list.len(),
            _ => 0,
        };
        self.texts(field, entries)?
            .ok_or(ConfigError::MissingField { field })
    }

    /// What a pattern with an entry per layer says, where it has not more than models have.
    pub(super) fn at_most_all_layers<T>(
        &self,
        field: &'static str,
        layers: usize,
        entries: impl Iterator<Item = Result<T, ConfigError>>,
    ) -> Result<Vec<T>, ConfigError> {
        if (1..=MAX_LAYERS).contains(&(layers as u64)) {
            entries.collect()
        } else {
            Err(ConfigError::OutOfRange {
                field,
                value: layers.to_string(),
                minimum: 1,
                maximum: MAX_LAYERS,
            })
        }
    }

    /// The fields of an object within.
    pub(super) fn inner(&self, field: &str) -> Option<Self> {
        Some(Self {
            root: self.object(field)?,
            nested: None,
            layer: None,
            defaults: &[],
            conversion: self.conversion,
        })
    }

    /// The numbers in a list, or the one that stands there alone.
    pub(super) fn indices_or_one(&self, field: &'static str) -> Result<Vec<u64>, ConfigError> {
        match self.value(field) {
            Some(Value::Array(_)) => Ok(self.indices(field)?.unwrap_or_default()),
            _ => Ok(self.optional_width(field)?.into_iter().collect()),
        }
    }

    /// The indices in a list.
    pub(super) fn indices(&self, field: &'static str) -> Result<Option<Vec<u64>>, ConfigError> {
        match self.value(field) {
            Some(Value::Array(list)) => self.integers(field, list.len()),
            None => Ok(None),
            Some(_) => Err(ConfigError::WrongType {
                field,
                expected: Expected::List,
            }),
        }
    }
}

fn missing(names: &[&'static str]) -> ConfigError {
    ConfigError::MissingField {
        field: names.first().copied().unwrap_or_default(),
    }
}

fn to_integer(
    value: &Value,
    field: &'static str,
    minimum: u64,
    maximum: u64,
) -> Result<u64, ConfigError> {
    let Value::Number(number) = value else {
        return Err(ConfigError::WrongType {
            field,
            expected: Expected::Integer,
        });
    };
    let out_of_range = || ConfigError::OutOfRange {
        field,
        value: number.to_string(),
        minimum,
        maximum,
    };
    let integer = match (number.as_u64(), number.as_f64()) {
        (Some(integer), _) => integer,
        (None, Some(float)) => whole(float).ok_or_else(out_of_range)?,
        (None, None) => return Err(out_of_range()),
    };
    if (minimum..=maximum).contains(&integer) {
        Ok(integer)
    } else {
        Err(out_of_range())
    }
}

/// The whole number that a float stands for, where it does so exactly.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number below 2^53"
)]
fn whole(float: f64) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    ((0.0..EXACT).contains(&float) && float % 1.0 == 0.0).then_some(float as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Value) -> &Map<String, Value> {
        value.as_object().unwrap()
    }

    #[test]
    fn nested_fields_come_first_and_null_hides() {
        let value = json!({"a": 1, "b": 2, "text_config": {"a": 3, "b": null}});
        let fields = Fields::new(object(&value));
        assert_eq!(fields.width("a"), Ok(3));
        assert_eq!(fields.optional_width("b"), Ok(None));
        assert_eq!(
            fields.width("c"),
            Err(ConfigError::MissingField { field: "c" })
        );
    }

    #[test]
    fn class_defaults_serve_nested_objects_only() {
        const DEFAULTS: &[(&str, u64)] = &[("a", 7), ("b", 8)];
        let nested = json!({"text_config": {"b": null}});
        let fields = Fields::new(object(&nested)).with_defaults(DEFAULTS);
        assert_eq!(fields.width("a"), Ok(7));
        assert_eq!(fields.optional_width("b"), Ok(None));
        let flat = json!({});
        let fields = Fields::new(object(&flat)).with_defaults(DEFAULTS);
        assert!(fields.width("a").is_err());
    }

    #[test]
    fn whole_numbers_in_either_spelling() {
        let value = json!({"a": 32.0, "b": 32.5, "c": -1, "d": 1e300, "e": "32", "f": 0});
        let fields = Fields::new(object(&value));
        assert_eq!(fields.width("a"), Ok(32));
        for field in ["b", "c", "d", "f"] {
            let error = fields.width(field).unwrap_err();
            assert!(matches!(error, ConfigError::OutOfRange { .. }), "{field}");
        }
        assert!(matches!(
            fields.width("e"),
            Err(ConfigError::WrongType { .. })
        ));
    }

    #[test]
    fn the_first_mamba_is_known_without_a_name() {
        let value = json!({"d_model": 2560, "ssm_cfg": {"layer": "Mamba2"}});
        let fields = Fields::new(object(&value));
        assert_eq!(fields.model_types().collect::<Vec<_>>(), ["mamba2"]);
    }

    #[test]
    fn nests_within_nests() {
        let value = json!({"thinker_config": {"text_config": {"a": 5, "model_type": "x"}}});
        let fields = Fields::new(object(&value));
        assert_eq!(fields.width("a"), Ok(5));
        assert_eq!(fields.model_types().collect::<Vec<_>>(), ["x"]);
    }
}
