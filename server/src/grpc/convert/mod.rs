//! Converts between wire types and domain types, and checks every field on the way in. No wire type passes this module.

mod area;
mod field_mask;
mod filter;
mod hours;
mod merchant;
mod page;
mod position;
mod request_id;
mod search;
mod violations;

pub(crate) use self::{
    area::{lat_lng_box_from_wire, reach_of, search_area_from_wire, service_vertices_of, vertices_of},
    field_mask::ImportMasks,
    filter::{View, filter_from_wire, may_filter_by_labels, view_from_wire},
    hours::are_known as hours_are_known,
    merchant::{
        id_from_name, id_from_wire, merchant_from_wire, patch_from_wire, review_patch, version_from_etag,
        visibility_patch,
    },
    page::{
        MAX_CHANGES, MAX_MASKS_PER_MESSAGE, MAX_NAMES, MAX_PAGE_BYTES, MAX_ROWS_PER_MESSAGE, MAX_SEARCHES,
        batch_size, page_size, too_many_elements, too_many_in_message,
    },
    position::{OutputDatum, is_null_island, origin_from_wire, output_datum_from_wire, position_from_wire},
    request_id::{request_key, request_of_scope},
    search::{
        Expansion, Ring, SearchRequest, SearchSettings, area_from_wire, is_truncated, language_from_wire,
        max_per_brand_from_wire, may_see, next_page_token, search_from_wire,
    },
    violations::Check,
};
