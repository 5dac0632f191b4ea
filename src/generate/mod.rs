//! Synthetic warehouses with planted truths.
//!
//! A [`World`] turns a seed and a customer's index into that customer's whole story, without any
//! file.

mod rng;
mod simulate;
mod world;

pub use simulate::{SimulatedAssignment, SimulatedCustomer, SimulatedRow};
pub use world::{
    CAMPAIGN_COUNT, CHANNELS, COUNTRIES, Campaign, Channel, ChannelSpec, Country, DAY_US, DEVICES, Device,
    Event, Experiment, PLANS, Plan, STAGES, START_US, UNTOUCHED_CAMPAIGN, UNTOUCHED_CHANNEL, Variant, World,
    customer_id, planted,
};
