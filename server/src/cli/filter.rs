//! Filter options of `search` and `export`.

use clap::Args;
use nearby_proto::v1 as wire;

#[derive(Args, Debug)]
pub(super) struct FilterArgs {
    /// Only merchants of this category, which must match exactly (shop is not shop/bakery); repeat for any of several
    #[arg(long = "category", value_name = "CATEGORY")]
    categories: Vec<String>,

    /// Only merchants of this category or one below it (shop also finds shop/bakery); repeat for any of several
    #[arg(long = "category-prefix", value_name = "CATEGORY")]
    category_prefixes: Vec<String>,

    /// No merchants of this category; repeat for several
    #[arg(long = "not-category", value_name = "CATEGORY")]
    not_categories: Vec<String>,

    /// Only merchants of this brand; repeat for any of several
    #[arg(long = "brand", value_name = "BRAND")]
    brands: Vec<String>,

    /// No merchants of this brand; repeat for several
    #[arg(long = "not-brand", value_name = "BRAND")]
    not_brands: Vec<String>,

    /// Only merchants with this service; repeat for all of several
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,

    /// Only merchants of this source, as `nearby import --source` names it; repeat for any of several
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<String>,

    /// Only merchants with all of these words in their names: prefixes of words, or parts of names in scripts written without spaces
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    text: String,
}

/// Returns the flag that sets a field of the filter of a request.
pub(super) fn flag_of(field: &str) -> Option<&'static str> {
    // A violation names an element of a list by its index: `any_categories[0]`.
    match field.strip_prefix("filter.")?.split('[').next()? {
        "any_categories" => Some("--category"),
        "any_category_prefixes" => Some("--category-prefix"),
        "none_categories" => Some("--not-category"),
        "any_brands" => Some("--brand"),
        "none_brands" => Some("--not-brand"),
        "all_services" => Some("--service"),
        "any_sources" => Some("--source"),
        "text" => Some("--text"),
        _ => None,
    }
}

impl FilterArgs {
    /// Returns the filter of a request; `None` if it would match every merchant.
    pub(super) fn to_wire(&self) -> Option<wire::MerchantFilter> {
        let filter = wire::MerchantFilter {
            any_categories: self.categories.clone(),
            any_category_prefixes: self.category_prefixes.clone(),
            none_categories: self.not_categories.clone(),
            any_brands: self.brands.clone(),
            none_brands: self.not_brands.clone(),
            all_services: self.services.clone(),
            any_sources: self.sources.clone(),
            text: self.text.clone(),
            ..Default::default()
        };
        (filter != wire::MerchantFilter::default()).then_some(filter)
    }
}
