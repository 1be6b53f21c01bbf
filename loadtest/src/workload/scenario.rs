//! A scenario: who asks for what, how often. A small TOML file.

use std::{fs, path::Path};

use nearby_proto::v1::MerchantView;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Who asks for what, how often.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What it stands for, in a line.
    #[serde(default)]
    pub summary: String,
    /// Where callers are.
    #[serde(default)]
    pub origins: Origins,
    /// What they do, by weight.
    pub operations: Vec<Operation>,
}

/// Where callers are: the parts of each sort, by weight, or walkers alone.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origins {
    /// Where people live.
    pub people: f64,
    /// A few spots that draw a crowd, within 300 m of each.
    pub hot_spots: f64,
    /// How many such spots there are.
    pub hot_spot_count: u32,
    /// Anywhere on the earth.
    pub uniform: f64,
    /// Poles, the antimeridian, the far north.
    pub edge: f64,
    /// At malls, where many merchants are equally far.
    pub malls: f64,
    /// Users who walk: each asks in turn from where it is by then. Instead of all the above if above 0.
    pub walkers: u32,
    /// How fast they walk, in metres a second.
    pub walker_m_per_s: f64,
    /// After how many seconds each asks again, at the rate that follows from it: `walkers / walker_every_s`.
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

/// What a caller does.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `grpc.health.v1.Health.Check`: the emptiest call there is.
    Health,
    /// `SearchNearby`; with `pages`, page after page.
    Search,
    /// A further page of a search: comes of one with `pages`, and is no operation of its own.
    #[serde(skip)]
    Page,
    /// `BatchSearchNearby` of `size` searches.
    Batch,
    /// `StreamSearchNearby` of `size` searches.
    Stream,
    /// `WatchNearby`: held for `hold_s`, the caller moving every second.
    Watch,
    /// A step of a watch: comes of one, and is no operation of its own.
    #[serde(skip)]
    Step,
    /// `GetMerchant`.
    Get,
    /// `UpdateMerchant` of a whole merchant, stored if it is not there.
    Put,
    /// `UpdateMerchant` of a position alone.
    Move,
    /// `DeleteMerchant`.
    Delete,
    /// `GetDensity`.
    Density,
}

impl Kind {
    /// The method that it calls.
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

    /// Whether it comes of another call and not of the schedule: it is due when that one is answered, and so says nothing of
    /// what a server bears.
    #[must_use]
    pub fn is_further(self) -> bool {
        matches!(self, Self::Page | Self::Step)
    }

    /// Its name in scenarios and reports.
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

/// How much of each merchant an answer has.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The name.
    IdOnly,
    /// What a list shows.
    #[default]
    Basic,
    /// All.
    Full,
}

impl View {
    pub(super) fn wire(self) -> MerchantView {
        match self {
            Self::IdOnly => MerchantView::IdOnly,
            Self::Basic => MerchantView::Basic,
            Self::Full => MerchantView::Full,
        }
    }
}

/// One thing that callers do. What a kind has no use for is left alone.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What.
    pub kind: Kind,
    /// How often, beside the others.
    pub weight: f64,
    /// Results of a search or a page of it.
    #[serde(default = "twenty")]
    pub results: u32,
    /// Radius in metres.
    #[serde(default = "five_kilometres")]
    pub radius_m: f64,
    /// Inner radius in metres.
    #[serde(default)]
    pub min_distance_m: f64,
    /// How much of each merchant.
    #[serde(default)]
    pub view: View,
    /// Pages of a search, one after the other.
    #[serde(default = "one")]
    pub pages: u32,
    /// Searches of a batch or a stream.
    #[serde(default = "hundred")]
    pub size: u32,
    /// Only merchants of a category: the usual ones more often.
    #[serde(default)]
    pub by_category: bool,
    /// Only merchants that are open at a moment.
    #[serde(default)]
    pub open: bool,
    /// The merchants of a mall as one row.
    #[serde(default)]
    pub grouped: bool,
    /// How long a watch is held, in seconds.
    #[serde(default = "ten")]
    pub hold_s: u32,
    /// Of how many merchants that only this load changes a put, a move or a delete takes one.
    #[serde(default = "ten_thousand")]
    pub among: u32,
}

impl Operation {
    /// One of a kind with everything else as it is by default.
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
            open: false,
            grouped: false,
            hold_s: ten(),
            among: ten_thousand(),
        }
    }

    /// How many searches a call of it has.
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

/// Why there is no scenario.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// Neither a ready one nor a file.
    #[error("{0} is neither a file nor one of the ready scenarios: {names}", names = READY.map(|(name, _)| name).join(", "))]
    Unknown(String),
    /// The file is not as it must be.
    #[error("{0}: {1}")]
    Unreadable(String, Box<toml::de::Error>),
    /// A value cannot be.
    #[error("{0}: {1}")]
    Impossible(String, &'static str),
}

/// The scenarios that come with the harness, by name.
pub const READY: [(&str, &str); 6] = [
    ("lunch-rush", include_str!("../../scenarios/lunch-rush.toml")),
    ("commuters", include_str!("../../scenarios/commuters.toml")),
    ("mall", include_str!("../../scenarios/mall.toml")),
    ("bulk-update", include_str!("../../scenarios/bulk-update.toml")),
    ("map", include_str!("../../scenarios/map.toml")),
    ("edges", include_str!("../../scenarios/edges.toml")),
];

impl Scenario {
    /// A ready scenario by its name, or one from a file.
    ///
    /// # Errors
    /// There is none of that name, or it is not as it must be.
    pub fn load(name: &str) -> Result<Self, ScenarioError> {
        if let Some((name, text)) = READY.iter().find(|(ready, _)| *ready == name) {
            return Self::parse(name, text);
        }
        let text =
            fs::read_to_string(Path::new(name)).map_err(|_| ScenarioError::Unknown(name.to_owned()))?;
        Self::parse(name, &text)
    }

    /// One operation alone, from where people live.
    #[must_use]
    pub fn of(operation: Operation) -> Self {
        let name = operation.kind.name().to_owned();
        Self { name, summary: String::new(), origins: Origins::default(), operations: vec![operation] }
    }

    /// How many calls a second its walkers make, where there are any.
    #[must_use]
    pub fn own_rate_per_s(&self) -> Option<f64> {
        let Origins { walkers, walker_every_s, .. } = self.origins;
        (walkers > 0).then(|| f64::from(walkers) / walker_every_s)
    }

    fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)
            .map_err(|error| ScenarioError::Unreadable(name.to_owned(), Box::new(error)))?;
        match scenario.fault() {
            Some(fault) => Err(ScenarioError::Impossible(name.to_owned(), fault)),
            None => Ok(scenario),
        }
    }

    fn fault(&self) -> Option<&'static str> {
        let is_weight = |weight: &f64| *weight >= 0.0 && weight.is_finite();
        let origins = &self.origins;
        let origins = [origins.people, origins.hot_spots, origins.uniform, origins.edge, origins.malls];
        if !origins.iter().all(is_weight)
            || !self.operations.iter().all(|operation| is_weight(&operation.weight))
        {
            return Some("weights must be finite and 0 or more");
        }
        if origins.iter().sum::<f64>() == 0.0 && self.origins.walkers == 0 {
            return Some("origins need a weight above 0, or walkers");
        }
        let is_walk = |number: f64| number > 0.0 && number.is_finite();
        if !is_walk(self.origins.walker_m_per_s) || !is_walk(self.origins.walker_every_s) {
            return Some("walker_m_per_s and walker_every_s must be above 0");
        }
        if self.operations.iter().map(|operation| operation.weight).sum::<f64>() == 0.0 {
            return Some("operations need a weight above 0");
        }
        let is_sized = |operation: &Operation| {
            let sizes =
                [operation.results, operation.pages, operation.size, operation.hold_s, operation.among];
            sizes.iter().all(|size| *size >= 1) && operation.radius_m > 0.0 && operation.size <= 1_000
        };
        let fault = "results, pages, size (at most 1,000), hold_s, among and radius_m must be above 0";
        (!self.operations.iter().all(is_sized)).then_some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_scenarios_are_as_they_must_be() {
        for (name, _) in READY {
            let scenario = Scenario::load(name).unwrap();
            assert_eq!(scenario.name, name);
            assert!(!scenario.summary.is_empty());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
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
