//! API keys that are limited to merchants.

use nearby_proto::{v1 as wire, well_known::FieldMask};
use tonic::Code;

use crate::{
    auth::{Keys, reason, with},
    support::*,
};

/// A server with keys of several kinds, and the merchants `mine` and `other`.
struct Setup {
    keys: Keys,
    server: TestServer,
    /// Limited to the ids `mine` and `new`, and `newer`.
    by_ids: String,
    /// Limited by the label `owner=7`.
    by_label: String,
    manage: String,
    review: String,
    search: String,
}

type Merchants = wire::merchant_service_client::MerchantServiceClient<tonic::transport::Channel>;

impl Setup {
    async fn start(flags: &[&str]) -> (Self, Merchants) {
        let keys = Keys::new();
        let by_ids = keys.run(&["add", "shop", "--role", "manage", "--merchants", "mine,new,newer"]);
        let by_label = keys.run(&["add", "chain", "--role", "manage", "--merchants-label", "owner=7"]);
        let [manage, review, search] = ["manage", "review", "search"].map(|role| keys.add(role, role));
        let server = keys.server(flags).await;
        let mut merchants = server.merchants().await;
        for merchant in [labelled("mine", "7"), labelled("other", "8")] {
            let request = wire::CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
            merchants.create_merchant(with(&manage, request)).await.unwrap();
        }
        (Self { keys, server, by_ids, by_label, manage, review, search }, merchants)
    }

    fn limited(&self) -> [&str; 2] {
        [&self.by_ids, &self.by_label]
    }

    /// Returns a merchant as the key `manage` sees it.
    async fn stored(&self, id: &str) -> wire::Merchant {
        let request = wire::GetMerchantRequest { name: name(id) };
        self.server.merchants().await.get_merchant(with(&self.manage, request)).await.unwrap().into_inner()
    }

    async fn approve(&self, id: &str) {
        let request = wire::ApproveMerchantRequest { name: name(id), ..Default::default() };
        self.server.merchants().await.approve_merchant(with(&self.review, request)).await.unwrap();
    }
}

fn name(id: &str) -> String {
    format!("merchants/{id}")
}

/// A merchant with external ids, and with labels, one of which names its owner.
fn labelled(id: &str, owner: &str) -> wire::Merchant {
    let labels = [("owner", owner), ("margin", "high")];
    wire::Merchant {
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        external_ids: vec![wire::ExternalId { system: "crm".to_owned(), id: id.to_owned() }],
        ..merchant(id, 60.0, 25.0)
    }
}

fn create(id: &str) -> wire::CreateMerchantRequest {
    wire::CreateMerchantRequest { merchant: Some(merchant(id, 60.0, 25.0)), ..Default::default() }
}

fn update(merchant: wire::Merchant, paths: &[&str]) -> wire::UpdateMerchantRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    wire::UpdateMerchantRequest {
        merchant: Some(merchant),
        update_mask: Some(FieldMask { paths }),
        ..Default::default()
    }
}

fn renamed(id: &str, display_name: &str) -> wire::UpdateMerchantRequest {
    let merchant = wire::Merchant { display_name: display_name.to_owned(), ..merchant(id, 60.0, 25.0) };
    update(merchant, &["display_name"])
}

fn code_and_reason<T: std::fmt::Debug>(result: Result<T, tonic::Status>) -> (Code, String) {
    let status = result.unwrap_err();
    (status.code(), reason(&status))
}

fn fields(status: &tonic::Status) -> Vec<(String, String)> {
    use tonic_types::StatusExt;
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

fn is_pending(merchant: &wire::Merchant) -> bool {
    merchant.review.as_ref().is_some_and(|review| review.state() == wire::ReviewState::Pending)
}

#[tokio::test]
async fn a_limited_key_reads_its_merchants_only() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    let hide = wire::HideMerchantRequest { name: name("mine"), ..Default::default() };
    merchants.hide_merchant(with(&setup.manage, hide)).await.unwrap();
    for key in setup.limited() {
        let get = |id: &str| with(key, wire::GetMerchantRequest { name: name(id) });
        let mine = merchants.get_merchant(get("mine")).await.unwrap().into_inner();
        assert_eq!((mine.labels.len(), mine.external_ids.len()), (2, 1));
        let not_found = code_and_reason(merchants.get_merchant(get("other")).await);
        assert_eq!(not_found, (Code::NotFound, "MERCHANT_NOT_FOUND".to_owned()));

        let batch = |ids: &[&str]| {
            let names = ids.iter().map(|id| name(id)).collect();
            with(key, wire::BatchGetMerchantsRequest { names, ..Default::default() })
        };
        merchants.batch_get_merchants(batch(&["mine"])).await.unwrap();
        let not_found = merchants.batch_get_merchants(batch(&["mine", "other"])).await;
        assert_eq!(not_found.unwrap_err().code(), Code::NotFound);

        let list = wire::ListMerchantsRequest::default();
        let listed = merchants.list_merchants(with(key, list)).await.unwrap().into_inner();
        assert_eq!(
            listed.merchants.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
            ["merchants/mine"]
        );
    }
}

#[tokio::test]
async fn a_limited_key_lists_its_merchants_page_by_page() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    for id in ["new", "newer", "strange"] {
        let request = wire::CreateMerchantRequest { merchant: Some(labelled(id, "7")), ..Default::default() };
        merchants.create_merchant(with(&setup.manage, request)).await.unwrap();
    }
    for (key, expected) in [
        (&setup.by_ids, &["merchants/mine", "merchants/new", "merchants/newer"][..]),
        (&setup.by_label, &["merchants/mine", "merchants/new", "merchants/newer", "merchants/strange"]),
    ] {
        let mut request = wire::ListMerchantsRequest { page_size: 1, ..Default::default() };
        let mut names = Vec::new();
        loop {
            let page = merchants.list_merchants(with(key, request.clone())).await.unwrap().into_inner();
            assert_eq!(page.merchants.len(), 1);
            names.extend(page.merchants.into_iter().map(|merchant| merchant.name));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn searches_with_a_limited_key_are_those_of_any_caller() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    let hide = wire::HideMerchantRequest { name: name("mine"), ..Default::default() };
    merchants.hide_merchant(with(&setup.manage, hide)).await.unwrap();
    let mut searches = setup.server.searches().await;
    let full = wire::SearchNearbyRequest { view: wire::MerchantView::Full.into(), ..search(60.0, 25.0) };
    let expected = searches.search_nearby(with(&setup.search, full.clone())).await.unwrap().into_inner();
    assert_eq!(expected.results.len(), 1);
    for key in setup.limited() {
        let found = searches.search_nearby(with(key, full.clone())).await.unwrap().into_inner();
        assert_eq!(found.results, expected.results, "without labels, external ids and what is hidden");
        for (filter, expected) in [
            (
                wire::MerchantFilter {
                    visibility_scope: wire::VisibilityScope::All.into(),
                    ..Default::default()
                },
                "HIDDEN_NOT_ALLOWED",
            ),
            (
                wire::MerchantFilter {
                    labels: vec![wire::LabelCondition { key: "owner".to_owned(), value: None }],
                    ..Default::default()
                },
                "LABELS_NOT_ALLOWED",
            ),
        ] {
            let request = wire::SearchNearbyRequest { filter: Some(filter), ..full.clone() };
            let rejected = code_and_reason(searches.search_nearby(with(key, request)).await);
            assert_eq!(rejected, (Code::PermissionDenied, expected.to_owned()));
        }
    }
}

#[tokio::test]
async fn a_limited_key_changes_its_merchants_only() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    for key in setup.limited() {
        let updated =
            merchants.update_merchant(with(key, renamed("mine", "Café"))).await.unwrap().into_inner();
        assert_eq!((updated.display_name.as_str(), updated.review), ("Café", None), "edits keep the state");
        let hide = |id: &str| with(key, wire::HideMerchantRequest { name: name(id), ..Default::default() });
        merchants.hide_merchant(hide("mine")).await.unwrap();
        let show = |id: &str| with(key, wire::ShowMerchantRequest { name: name(id), ..Default::default() });
        merchants.show_merchant(show("mine")).await.unwrap();

        let before = setup.stored("other").await;
        assert_eq!(merchants.hide_merchant(hide("other")).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(merchants.show_merchant(show("other")).await.unwrap_err().code(), Code::NotFound);
        let rejected = merchants.update_merchant(with(key, renamed("other", "Taken"))).await;
        assert_eq!(code_and_reason(rejected), (Code::NotFound, "MERCHANT_NOT_FOUND".to_owned()));
        let missing_too = wire::UpdateMerchantRequest { allow_missing: true, ..renamed("other", "Taken") };
        let rejected = merchants.update_merchant(with(key, missing_too)).await;
        assert_eq!(code_and_reason(rejected), (Code::PermissionDenied, "KEY_LIMITED".to_owned()));
        // A batch is rejected as a whole.
        let requests = vec![renamed("mine", "Both"), renamed("other", "Both")];
        let batch = wire::BatchUpdateMerchantsRequest { requests, ..Default::default() };
        assert_eq!(
            merchants.batch_update_merchants(with(key, batch)).await.unwrap_err().code(),
            Code::NotFound
        );
        assert_eq!(setup.stored("other").await, before);
        assert_eq!(setup.stored("mine").await.display_name, "Café");
        for denied in [
            code_and_reason(
                merchants
                    .delete_merchant(with(
                        key,
                        wire::DeleteMerchantRequest { name: name("mine"), ..Default::default() },
                    ))
                    .await,
            ),
            code_and_reason(
                merchants.export_merchants(with(key, wire::ExportMerchantsRequest::default())).await,
            ),
            code_and_reason(
                merchants.watch_merchants(with(key, wire::WatchMerchantsRequest::default())).await,
            ),
        ] {
            assert_eq!(denied, (Code::PermissionDenied, "KEY_LIMITED".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_merchant_of_a_limited_key_waits_for_its_review_and_is_the_only_one() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    let mut searches = setup.server.searches().await;
    for (key, first, second) in [(&setup.by_ids, "new", "newer"), (&setup.by_label, "strange", "stranger")] {
        let given = wire::Merchant {
            review: Some(wire::Review { state: wire::ReviewState::Approved.into(), ..Default::default() }),
            ..merchant(first, 60.0, 25.0)
        };
        let request = wire::CreateMerchantRequest { merchant: Some(given), ..Default::default() };
        let created = merchants.create_merchant(with(key, request)).await.unwrap().into_inner();
        assert!(is_pending(&created), "{created:?}");
        let found = searches.search_nearby(with(key, search(60.0, 25.0))).await.unwrap().into_inner();
        assert!(found.results.iter().all(|result| result.merchant.as_ref().unwrap().name != name(first)));

        // A change of the pending merchant is none of another one.
        merchants.update_merchant(with(key, renamed(first, "Corrected"))).await.unwrap();
        for validate_only in [true, false] {
            let request = wire::CreateMerchantRequest { validate_only, ..create(second) };
            let rejected = merchants.create_merchant(with(key, request)).await;
            let error = rejected.as_ref().unwrap_err().message().to_owned();
            assert_eq!(code_and_reason(rejected), (Code::FailedPrecondition, "REVIEW_PENDING".to_owned()));
            assert!(error.contains(first), "{error}");
        }
        let missing_too = wire::UpdateMerchantRequest {
            allow_missing: true,
            ..update(merchant(second, 60.0, 25.0), &["*"])
        };
        let rejected = merchants.update_merchant(with(key, missing_too.clone())).await;
        assert_eq!(rejected.unwrap_err().code(), Code::FailedPrecondition);
        setup.approve(first).await;
        assert!(is_pending(&merchants.update_merchant(with(key, missing_too)).await.unwrap().into_inner()));
        let found = searches.search_nearby(with(key, search(60.0, 25.0))).await.unwrap().into_inner();
        assert!(found.results.iter().any(|result| result.merchant.as_ref().unwrap().name == name(first)));
        // Two at once are none.
        setup.approve(second).await;
        let requests = vec![create("new-1"), create("new-2")];
        let batch = wire::BatchCreateMerchantsRequest { requests, ..Default::default() };
        let rejected = code_and_reason(merchants.batch_create_merchants(with(key, batch)).await);
        let expected = if key == &setup.by_ids {
            (Code::PermissionDenied, "KEY_LIMITED".to_owned())
        } else {
            (Code::FailedPrecondition, "REVIEW_PENDING".to_owned())
        };
        assert_eq!(rejected, expected);
    }
    // Another key with the same label has the same merchants; one with another label has its own.
    let other = setup.keys.run(&["add", "rival", "--role", "manage", "--merchants-label", "owner=8"]);
    let chain = setup.keys.run(&["add", "chain", "--role", "manage", "--merchants-label", "owner=7"]);
    let known = async |key: &str| {
        let get = wire::GetMerchantRequest { name: name("other") };
        let got = setup.server.merchants().await.get_merchant(with(key, get)).await;
        got.map_or_else(|status| status.code() != Code::Unauthenticated, |_| true)
    };
    wait_until("new keys are not accepted", async || known(&other).await && known(&chain).await).await;
    merchants.create_merchant(with(&setup.by_label, create("strangest"))).await.unwrap();
    let rejected = merchants.create_merchant(with(&chain, create("most-strange"))).await;
    assert_eq!(rejected.unwrap_err().code(), Code::FailedPrecondition);
    merchants.create_merchant(with(&other, create("rival"))).await.unwrap();
    // Deleted by the operator, it waits no more.
    let delete = wire::DeleteMerchantRequest { name: name("strangest"), ..Default::default() };
    merchants.delete_merchant(with(&setup.manage, delete)).await.unwrap();
    merchants.create_merchant(with(&chain, create("most-strange"))).await.unwrap();
}

#[tokio::test]
async fn pending_reviews_are_known_after_a_restart() {
    let (Setup { keys, server, by_ids, by_label, .. }, mut merchants) = Setup::start(&[]).await;
    merchants.create_merchant(with(&by_label, create("strange"))).await.unwrap();
    merchants.create_merchant(with(&by_ids, create("new"))).await.unwrap();
    server.terminate().await;
    let server = keys.server(&[]).await;
    let mut merchants = server.merchants().await;
    for (key, id) in [(&by_label, "stranger"), (&by_ids, "newer")] {
        let rejected = code_and_reason(merchants.create_merchant(with(key, create(id))).await);
        assert_eq!(rejected, (Code::FailedPrecondition, "REVIEW_PENDING".to_owned()));
    }
}

#[tokio::test]
async fn a_limited_key_keeps_the_label_and_the_external_ids() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    let created =
        merchants.create_merchant(with(&setup.by_label, create("strange"))).await.unwrap().into_inner();
    assert_eq!(created.labels, [("owner".to_owned(), "7".to_owned())].into());

    // An update of all fields, as of a client that has read the merchant, and as of one that has not.
    let mine = wire::Merchant { etag: String::new(), ..setup.stored("mine").await };
    for given in [mine.clone(), merchant("mine", 60.0, 25.0)] {
        let request = update(given, &["*"]);
        let updated = merchants.update_merchant(with(&setup.by_label, request)).await.unwrap().into_inner();
        assert_eq!((&updated.labels["owner"], &updated.external_ids), (&"7".to_owned(), &mine.external_ids));
    }
    let moved = wire::Merchant { labels: [("owner".to_owned(), "8".to_owned())].into(), ..mine.clone() };
    let request = update(moved, &["labels"]);
    let updated = merchants.update_merchant(with(&setup.by_label, request)).await.unwrap().into_inner();
    assert_eq!(updated.labels["owner"], "7");

    let external = vec![wire::ExternalId { system: "crm".to_owned(), id: "stolen".to_owned() }];
    let stolen = wire::Merchant { external_ids: external, ..mine.clone() };
    let cleared = wire::Merchant { external_ids: Vec::new(), ..mine.clone() };
    for key in setup.limited() {
        for request in [
            update(stolen.clone(), &["*"]),
            update(stolen.clone(), &["external_ids"]),
            update(cleared.clone(), &["external_ids"]),
        ] {
            let status = merchants.update_merchant(with(key, request)).await.unwrap_err();
            assert_eq!(fields(&status), [("merchant.external_ids".to_owned(), "UNEXPECTED".to_owned())]);
        }
        let new = wire::Merchant { external_ids: stolen.external_ids.clone(), ..merchant("new", 60.0, 25.0) };
        let request = wire::CreateMerchantRequest { merchant: Some(new), ..Default::default() };
        let status = merchants.create_merchant(with(key, request)).await.unwrap_err();
        assert_eq!(fields(&status), [("merchant.external_ids".to_owned(), "UNEXPECTED".to_owned())]);
    }
    let many = (0..64).map(|number| (number.to_string(), String::new())).collect();
    let request = wire::Merchant { labels: many, ..merchant("full", 60.0, 25.0) };
    let request = wire::CreateMerchantRequest { merchant: Some(request), ..Default::default() };
    let status = merchants.create_merchant(with(&setup.by_label, request)).await.unwrap_err();
    assert_eq!(fields(&status), [("merchant.labels".to_owned(), "TOO_MANY".to_owned())]);
}

#[tokio::test]
async fn ids_outside_of_a_limited_key_cannot_be_created() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    for id in ["other", "strange"] {
        let rejected = code_and_reason(merchants.create_merchant(with(&setup.by_ids, create(id))).await);
        assert_eq!(rejected, (Code::PermissionDenied, "KEY_LIMITED".to_owned()), "whether it exists or not");
    }
    let rejected = merchants.create_merchant(with(&setup.by_label, create("other"))).await;
    assert_eq!(rejected.unwrap_err().code(), Code::AlreadyExists);
    // The server chooses an id that is none of the key's.
    let unnamed = wire::Merchant { name: String::new(), ..merchant("x", 60.0, 25.0) };
    let request = wire::CreateMerchantRequest { merchant: Some(unnamed), ..Default::default() };
    let rejected = merchants.create_merchant(with(&setup.by_ids, request.clone())).await;
    assert_eq!(rejected.unwrap_err().code(), Code::PermissionDenied);
    merchants.create_merchant(with(&setup.by_label, request)).await.unwrap();
}

#[tokio::test]
async fn with_review_changes_a_change_by_a_limited_key_waits_for_its_review() {
    let (setup, mut merchants) = Setup::start(&["--review-changes"]).await;
    let request = renamed("mine", "Same");
    let by_manager = merchants.update_merchant(with(&setup.manage, request.clone())).await.unwrap();
    assert_eq!(by_manager.into_inner().review, None);
    for key in setup.limited() {
        // Neither the same content nor the visibility is reviewed.
        let same = merchants.update_merchant(with(key, request.clone())).await.unwrap().into_inner();
        let hide = wire::HideMerchantRequest { name: name("mine"), ..Default::default() };
        let hidden = merchants.hide_merchant(with(key, hide)).await.unwrap().into_inner();
        let show = wire::ShowMerchantRequest { name: name("mine"), ..Default::default() };
        let shown = merchants.show_merchant(with(key, show)).await.unwrap().into_inner();
        assert_eq!([same.review, hidden.review, shown.review], [None, None, None]);

        let changed =
            merchants.update_merchant(with(key, renamed("mine", "Changed"))).await.unwrap().into_inner();
        assert!(is_pending(&changed));
        let rejected = code_and_reason(merchants.create_merchant(with(key, create("new"))).await);
        assert_eq!(rejected, (Code::FailedPrecondition, "REVIEW_PENDING".to_owned()));
        let reject = wire::RejectMerchantRequest {
            name: name("mine"),
            reason: "name".to_owned(),
            ..Default::default()
        };
        merchants.reject_merchant(with(&setup.review, reject)).await.unwrap();
        let seen = wire::GetMerchantRequest { name: name("mine") };
        let seen = merchants.get_merchant(with(key, seen)).await.unwrap().into_inner();
        assert_eq!(seen.review.unwrap().reason, "name", "its owner reads why");
        let again = merchants.update_merchant(with(key, request.clone())).await.unwrap().into_inner();
        assert!(is_pending(&again), "a corrected merchant is reviewed again");
        setup.approve("mine").await;
    }
}

#[tokio::test]
async fn an_import_with_a_limited_key_rejects_rows_of_other_merchants_one_by_one() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    let row = |number: i64, merchant: wire::Merchant| wire::ImportRow {
        row_number: number,
        merchant: Some(merchant),
        ..Default::default()
    };
    let external = wire::Merchant {
        external_ids: vec![wire::ExternalId { system: "crm".to_owned(), id: "1".to_owned() }],
        ..labelled("mine", "7")
    };
    for (key, display_name) in setup.limited().into_iter().zip(["One", "Two"]) {
        let rows = vec![
            // Without external ids, which it keeps, and with the labels, which it would lose.
            row(
                1,
                wire::Merchant {
                    display_name: display_name.to_owned(),
                    external_ids: Vec::new(),
                    ..labelled("mine", "7")
                },
            ),
            row(2, merchant("other", 60.0, 25.0)),
            row(3, merchant("new", 60.0, 25.0)),
            row(4, merchant("newer", 60.0, 25.0)),
            row(5, external.clone()),
        ];
        let outcomes = async |validate_only: bool, rows: Vec<wire::ImportRow>| {
            let message = wire::ImportMerchantsRequest { rows, validate_only, ..Default::default() };
            let request = with(key, tokio_stream::once(message));
            let response =
                setup.server.merchants().await.import_merchants(request).await.unwrap().into_inner();
            let of = |outcome: wire::ImportOutcome| {
                let violation = outcome.violations.first();
                let violation = violation.map(|one| format!("{} {}", one.field, one.reason));
                (outcome.state(), violation.unwrap_or_default())
            };
            response.outcomes.into_iter().map(of).collect::<Vec<_>>()
        };
        use wire::ImportState::{Created, Rejected, Updated};
        let other_rejected = |pending: (wire::ImportState, &str)| {
            [
                (Updated, String::new()),
                (Rejected, "name KEY_LIMITED".to_owned()),
                (Created, String::new()),
                (pending.0, pending.1.to_owned()),
                (Rejected, "external_ids UNEXPECTED".to_owned()),
            ]
        };
        // Rows that are only checked do not count for one another.
        assert_eq!(outcomes(true, rows.clone()).await, other_rejected((Created, "")));
        assert!(
            merchants.get_merchant(with(key, wire::GetMerchantRequest { name: name("new") })).await.is_err()
        );
        assert_eq!(outcomes(false, rows).await, other_rejected((Rejected, "name REVIEW_PENDING")));
        let checked = outcomes(true, vec![row(1, merchant("newer", 60.0, 25.0))]).await;
        assert_eq!(checked, [(Rejected, "name REVIEW_PENDING".to_owned())]);
        assert!(is_pending(&setup.stored("new").await));
        let mine = setup.stored("mine").await;
        assert_eq!((mine.review, mine.external_ids.len()), (None, 1), "a row keeps what it does not state");
        let delete = wire::DeleteMerchantRequest { name: name("new"), ..Default::default() };
        merchants.delete_merchant(with(&setup.manage, delete)).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_id_does_not_return_the_merchants_of_others() {
    let (setup, mut merchants) = Setup::start(&[]).await;
    let request_id = "7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned();
    let request = wire::UpdateMerchantRequest { request_id, ..renamed("other", "Once") };
    merchants.update_merchant(with(&setup.manage, request.clone())).await.unwrap();
    merchants.update_merchant(with(&setup.manage, request.clone())).await.unwrap();
    for key in setup.limited() {
        let status = merchants.update_merchant(with(key, request.clone())).await.unwrap_err();
        assert_eq!(fields(&status), [("request_id".to_owned(), "REQUEST_ID_REUSED".to_owned())]);
    }
}

#[tokio::test]
async fn keys_cannot_be_limited_in_a_way_that_means_nothing() {
    let keys = Keys::new();
    let failed = |arguments: &[&str]| {
        let output =
            run(nearby().args(["keys", "add", "shop"]).args(arguments).arg("--keys").arg(keys.path()));
        assert_eq!(output.status.code(), Some(64));
        text(&output.stderr)
    };
    for (arguments, expected) in [
        (&["--role", "manage,review", "--merchants", "a"][..], "cannot have the role review"),
        (&["--role", "operate", "--merchants-label", "owner=7"], "cannot have the role operate"),
        (&["--role", "manage", "--merchants", "a/b"], "merchant id \"a/b\""),
        (&["--role", "manage", "--merchants-label", "owner"], "such as owner=7"),
        (&["--role", "manage", "--merchants-label", "=7"], "must be a label"),
        (&["--role", "manage", "--merchants-label", "a=b", "--merchants", "a"], "cannot be used with"),
    ] {
        let error = failed(arguments);
        assert!(error.contains(expected), "{error}");
    }
    keys.run(&["add", "shop", "--role", "manage", "--merchants", "a,b,c,d"]);
    keys.run(&["add", "chain", "--role", "manage", "--merchants-label", "owner=7"]);
    let listed = keys.run(&["list"]);
    assert!(listed.contains("4 ids") && listed.contains("owner=7"), "{listed}");
}
