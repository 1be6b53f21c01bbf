//! Which merchants a command means.

use clap::Args;
use nearby_proto::v1 as wire;

#[derive(Args, Debug)]
pub(super) struct FilterArgs {
    /// Only merchants of this category, as a whole: shop is not shop/bakery; given again: of any of these
    #[arg(long = "category", value_name = "CATEGORY")]
    categories: Vec<String>,

    /// No merchants of this category; may be given again
    #[arg(long = "not-category", value_name = "CATEGORY")]
    not_categories: Vec<String>,

    /// Only merchants of this brand; given again: of any of these
    #[arg(long = "brand", value_name = "BRAND")]
    brands: Vec<String>,

    /// No merchants of this brand; may be given again
    #[arg(long = "not-brand", value_name = "BRAND")]
    not_brands: Vec<String>,

    /// Only merchants with this service; given again: with all of these
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,
}

/// The flag that a field of a request with this filter comes from.
pub(super) fn flag_of(field: &str) -> Option<&'static str> {
    // One value of a list is named by its place: `any_categories[0]`.
    match field.strip_prefix("filter.")?.split('[').next()? {
        "any_categories" => Some("--category"),
        "none_categories" => Some("--not-category"),
        "any_brands" => Some("--brand"),
        "none_brands" => Some("--not-brand"),
        "all_services" => Some("--service"),
        _ => None,
    }
}

impl FilterArgs {
    /// The filter as the contract has it; nothing where every merchant is meant.
    pub(super) fn to_wire(&self) -> Option<wire::MerchantFilter> {
        let filter = wire::MerchantFilter {
            any_categories: self.categories.clone(),
            none_categories: self.not_categories.clone(),
            any_brands: self.brands.clone(),
            none_brands: self.not_brands.clone(),
            all_services: self.services.clone(),
            ..Default::default()
        };
        (filter != wire::MerchantFilter::default()).then_some(filter)
    }
}
