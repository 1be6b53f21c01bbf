//! What is asked: scenarios, and the requests that they make of a seed.

mod item_status;
mod origins;
mod requests;
mod scenario;

pub use self::{
    item_status::failed_item,
    requests::{Call, OWN, Requests, Then},
    scenario::{Kind, Operation, Origins, READY, Scenario, ScenarioError, View},
};
