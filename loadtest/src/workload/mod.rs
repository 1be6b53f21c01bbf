//! Workloads: scenarios, and the deterministic sequence of requests that a scenario and a seed define.

mod item_status;
mod origins;
mod requests;
mod scenario;

pub use self::{
    item_status::first_failed_search,
    requests::{FollowUp, Request, RequestGenerator},
    scenario::{BUILT_IN, Kind, Operation, Origins, Scenario, ScenarioError, View},
};
