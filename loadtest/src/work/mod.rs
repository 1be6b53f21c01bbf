//! What is asked: scenarios, and the requests that they make of a seed.

mod asked;
mod check;
mod items;
mod origins;
mod requests;
mod scenario;

pub use self::{
    asked::Asked,
    check::{Check, Wrong},
    items::failed_item,
    requests::{Call, Requests, Then},
    scenario::{Kind, Operation, Origins, READY, Scenario, ScenarioError, View},
};
