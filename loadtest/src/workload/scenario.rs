//! Scenarios: the mix of operations and the locations they come from, as a TOML file.

use std::{fs, path::Path};

use nearby_proto::v1::MerchantView;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A mix of operations.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// One-line description.
    #[serde(default)]
    pub summary: String,
    /// Locations of clients.
    #[serde(default)]
    pub origins: Origins,
    /// Operations, by weight.
    pub operations: Vec<Operation>,
}

/// Locations of clients: kinds by weight, or walkers alone.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origins {
    /// Weighted by population.
    pub people: f64,
    /// Within 300 m of one of `hot_spot_count` points.
    pub hot_spots: f64,
    /// Number of hot spots.
    pub hot_spot_count: u32,
    /// Uniform over the earth.
    pub uniform: f64,
    /// Poles, the antimeridian and the far north.
    pub edge: f64,
    /// At malls, where many merchants are equally far.
    pub malls: f64,
    /// Number of walking users, each of which searches from where it has walked to. If above 0, replaces all of the above.
    pub walkers: u32,
    /// Walking speed in metres per second.
    pub walker_m_per_s: f64,
    /// Interval between a walker's requests in seconds. The default rate is `walkers / walker_every_s`.
    pub walker_every_s: f64,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            people: 1.0,
            hot_spots: 0.0,
            hot_spot_count: 5,
            uniform: 0.0,
            edge: 0.0,
            malls: 0.0,
            walkers: 0,
            walker_m_per_s: 1.4,
            walker_every_s: 5.0,
        }
    }
}

/// An operation that a client performs.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `grpc.health.v1.Health.Check`, the cheapest call.
    Health,
    /// `SearchNearby`; with `pages`, one page after the other.
    Search,
    /// A further page of a search with `pages`; not an operation of its own.
    #[serde(skip)]
    Page,
    /// `BatchSearchNearby` of `size` searches.
    Batch,
    /// `StreamSearchNearby` of `size` searches.
    Stream,
    /// `WatchNearby`, held for `hold_s` while the client moves every second.
    Watch,
    /// A step of a watch; not an operation of its own.
    #[serde(skip)]
    Step,
    /// `GetMerchant`.
    Get,
    /// `UpdateMerchant` of a whole merchant, created if it is missing.
    Put,
    /// `UpdateMerchant` of the position alone.
    Move,
    /// `DeleteMerchant`.
    Delete,
    /// `GetDensity`.
    Density,
}

impl Kind {
    /// Returns the path of its method.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Health => "/grpc.health.v1.Health/Check",
            Self::Search | Self::Page => "/nearby.v1.NearbyService/SearchNearby",
            Self::Batch => "/nearby.v1.NearbyService/BatchSearchNearby",
            Self::Stream => "/nearby.v1.NearbyService/StreamSearchNearby",
            Self::Watch | Self::Step => "/nearby.v1.NearbyService/WatchNearby",
            Self::Density => "/nearby.v1.NearbyService/GetDensity",
            Self::Get => "/nearby.v1.MerchantService/GetMerchant",
            Self::Put | Self::Move => "/nearby.v1.MerchantService/UpdateMerchant",
            Self::Delete => "/nearby.v1.MerchantService/DeleteMerchant",
        }
    }

    /// Returns `true` for follow-ups (pages, steps). They are sent when an earlier response arrives, not by the schedule, and
    /// so do not count as offered load.
    #[must_use]
    pub fn is_follow_up(self) -> bool {
        matches!(self, Self::Page | Self::Step)
    }

    /// Returns its name in scenarios and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Search => "search",
            Self::Page => "page",
            Self::Batch => "batch",
            Self::Stream => "stream",
            Self::Watch => "watch",
            Self::Step => "step",
            Self::Get => "get",
            Self::Put => "put",
            Self::Move => "move",
            Self::Delete => "delete",
            Self::Density => "density",
        }
    }
}

/// Fields of each merchant in a response.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Resource name only.
    IdOnly,
    /// List view.
    #[default]
    Basic,
    /// All fields.
    Full,
}

impl View {
    pub(super) fn to_proto(self) -> MerchantView {
        match self {
            Self::IdOnly => MerchantView::IdOnly,
            Self::Basic => MerchantView::Basic,
            Self::Full => MerchantView::Full,
        }
    }
}

/// An operation with its parameters. Parameters that do not apply to its kind are ignored.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Kind.
    pub kind: Kind,
    /// Relative frequency.
    pub weight: f64,
    /// Results per page.
    #[serde(default = "twenty")]
    pub results: u32,
    /// Radius in metres.
    #[serde(default = "five_kilometres")]
    pub radius_m: f64,
    /// Inner radius in metres.
    #[serde(default)]
    pub min_distance_m: f64,
    /// Fields of each merchant in the response.
    #[serde(default)]
    pub view: View,
    /// Pages of a search, requested one after the other.
    #[serde(default = "one")]
    pub pages: u32,
    /// Searches of a batch or stream.
    #[serde(default = "hundred")]
    pub size: u32,
    /// Filter by a category; frequent categories are used more often.
    #[serde(default)]
    pub by_category: bool,
    /// Filter by the beginning of a word of names.
    #[serde(default)]
    pub by_text: bool,
    /// Filter by a range of an attribute, which merchants of the extended dataset have.
    #[serde(default)]
    pub by_attribute: bool,
    /// Only merchants that serve the client, which merchants of the extended dataset do.
    #[serde(default)]
    pub serving: bool,
    /// Only merchants that are open at a fixed time.
    #[serde(default)]
    pub open: bool,
    /// Group merchants by position.
    #[serde(default)]
    pub grouped: bool,
    /// H3 resolution of a density.
    #[serde(default = "eight")]
    pub resolution: i32,
    /// Duration of a watch in seconds.
    #[serde(default = "ten")]
    pub hold_s: u32,
    /// Number of load-only merchants from which put, move and delete choose.
    #[serde(default = "ten_thousand")]
    pub among: u32,
}

impl Operation {
    /// Creates an operation of a kind with default parameters.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            weight: 1.0,
            results: twenty(),
            radius_m: five_kilometres(),
            min_distance_m: 0.0,
            view: View::default(),
            pages: one(),
            size: hundred(),
            by_category: false,
            by_text: false,
            by_attribute: false,
            serving: false,
            open: false,
            grouped: false,
            resolution: eight(),
            hold_s: ten(),
            among: ten_thousand(),
        }
    }

    /// Returns the number of searches per call.
    #[must_use]
    pub fn searches(&self) -> u32 {
        match self.kind {
            Kind::Batch | Kind::Stream => self.size,
            Kind::Search => 1,
            _ => 0,
        }
    }
}

const fn one() -> u32 {
    1
}
const fn eight() -> i32 {
    8
}
const fn ten() -> u32 {
    10
}
const fn twenty() -> u32 {
    20
}
const fn hundred() -> u32 {
    100
}
const fn ten_thousand() -> u32 {
    10_000
}
const fn five_kilometres() -> f64 {
    5_000.0
}

/// Errors of loading a scenario.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// Neither a built-in scenario nor a file.
    #[error("{0} is neither a file nor a built-in scenario: {names}", names = BUILT_IN.map(|(name, _)| name).join(", "))]
    Unknown(String),
    /// The file cannot be parsed.
    #[error("{0}: {1}")]
    Parse(String, Box<toml::de::Error>),
    /// A value is out of range.
    #[error("{0}: {1}")]
    Invalid(String, &'static str),
}

/// Built-in scenarios, by name.
pub const BUILT_IN: [(&str, &str); 8] = [
    ("lunch-rush", include_str!("../../scenarios/lunch-rush.toml")),
    ("commuters", include_str!("../../scenarios/commuters.toml")),
    ("mall", include_str!("../../scenarios/mall.toml")),
    ("bulk-update", include_str!("../../scenarios/bulk-update.toml")),
    ("map", include_str!("../../scenarios/map.toml")),
    ("edges", include_str!("../../scenarios/edges.toml")),
    ("delivery", include_str!("../../scenarios/delivery.toml")),
    ("rated", include_str!("../../scenarios/rated.toml")),
];

impl Scenario {
    /// Loads a built-in scenario by name, or one from a file.
    ///
    /// # Errors
    /// There is no such scenario, or it is invalid.
    pub fn load(name: &str) -> Result<Self, ScenarioError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(ready, _)| *ready == name) {
            return Self::parse(name, text);
        }
        let text =
            fs::read_to_string(Path::new(name)).map_err(|_| ScenarioError::Unknown(name.to_owned()))?;
        Self::parse(name, &text)
    }

    /// Creates a scenario of one operation, from locations weighted by population.
    #[must_use]
    pub fn of(operation: Operation) -> Self {
        let name = operation.kind.name().to_owned();
        Self { name, summary: String::new(), origins: Origins::default(), operations: vec![operation] }
    }

    /// Returns the rate of its walkers in calls per second, if it has any.
    #[must_use]
    pub fn walker_rate_per_s(&self) -> Option<f64> {
        let Origins { walkers, walker_every_s, .. } = self.origins;
        (walkers > 0).then(|| f64::from(walkers) / walker_every_s)
    }

    /// Returns `true` if it searches by what only merchants of the extended dataset have.
    #[must_use]
    pub fn needs_extension(&self) -> bool {
        self.operations.iter().any(|operation| operation.by_attribute || operation.serving)
    }

    fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self =
            toml::from_str(text).map_err(|error| ScenarioError::Parse(name.to_owned(), Box::new(error)))?;
        match scenario.validation_error() {
            Some(error) => Err(ScenarioError::Invalid(name.to_owned(), error)),
            None => Ok(scenario),
        }
    }

    fn validation_error(&self) -> Option<&'static str> {
        let is_weight = |weight: &f64| *weight >= 0.0 && weight.is_finite();
        let origins = &self.origins;
        let origins = [origins.people, origins.hot_spots, origins.uniform, origins.edge, origins.malls];
        if !origins.iter().all(is_weight)
            || !self.operations.iter().all(|operation| is_weight(&operation.weight))
        {
            return Some("weights must be finite and at least 0");
        }
        if origins.iter().sum::<f64>() == 0.0 && self.origins.walkers == 0 {
            return Some("origins require a weight above 0, or walkers");
        }
        let is_walk = |number: f64| number > 0.0 && number.is_finite();
        if !is_walk(self.origins.walker_m_per_s) || !is_walk(self.origins.walker_every_s) {
            return Some("walker_m_per_s and walker_every_s must be above 0");
        }
        if self.operations.iter().map(|operation| operation.weight).sum::<f64>() == 0.0 {
            return Some("operations require a weight above 0");
        }
        let is_sized = |operation: &Operation| {
            let sizes =
                [operation.results, operation.pages, operation.size, operation.hold_s, operation.among];
            sizes.iter().all(|size| *size >= 1) && operation.radius_m > 0.0 && operation.size <= 1_000
        };
        let error = "results, pages, size (at most 1,000), hold_s, among and radius_m must be above 0";
        (!self.operations.iter().all(is_sized)).then_some(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_scenarios_are_valid() {
        for (name, _) in BUILT_IN {
            let scenario = Scenario::load(name).unwrap();
            assert_eq!(scenario.name, name);
            assert!(!scenario.summary.is_empty());
        }
    }

    #[test]
    fn errors_name_the_invalid_value() {
        let parse = |text: &str| Scenario::parse("x.toml", text).unwrap_err().to_string();
        let head = "name = 'x'\nsummary = 'y'\n";
        assert!(parse(&format!("{head}[[operations]]\nkind = 'serach'\nweight = 1")).contains("serach"));
        assert!(
            parse(&format!("{head}[[operations]]\nkind = 'search'\nweight = 1\nradius = 3"))
                .contains("radius")
        );
        assert!(parse(&format!("{head}[[operations]]\nkind = 'search'\nweight = 0")).contains("above 0"));
        assert!(
            parse(&format!("{head}[[operations]]\nkind = 'batch'\nweight = 1\nsize = 1001"))
                .contains("1,000")
        );
        let unknown = Scenario::load("lunch").unwrap_err().to_string();
        assert!(unknown.contains("lunch-rush, commuters"), "{unknown}");
    }
}
