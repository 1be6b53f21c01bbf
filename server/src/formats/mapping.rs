//! `--map FIELD=COLUMN`: the columns or properties that fields come from, when their names do not say so.

use std::{borrow::Cow, str::FromStr};

use super::field::{Cell, Cells, Field};

/// One `--map` option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    field: Field,
    source: Source,
}

/// The origin of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A column or property with this name.
    Column(String),
    /// A text with the content of columns, such as `node-{id}`.
    Template(Vec<Part>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(String),
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, source) =
            text.split_once('=').ok_or("must have the form FIELD=COLUMN, such as id=ref")?;
        let field = Field::of_name(field).ok_or_else(|| {
            let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
            format!("unknown field {field:?}: use one of {}", names.join(", "))
        })?;
        if source.is_empty() {
            return Err("must name a column after =".to_owned());
        }
        let source = if source.contains('{') {
            Source::Template(parse_template(source)?)
        } else {
            Source::Column(source.to_owned())
        };
        Ok(Self { field, source })
    }
}

fn parse_template(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (column, after) = after.split_once('}').ok_or("a { has no } after it")?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(Part::Column(column.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// A plan that fills the fields of a row from its columns. It is made once per header.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Vec<(Field, Step)>,
    ignored: Vec<String>,
    missing: Vec<(Field, String)>,
}

#[derive(Debug)]
enum Step {
    Column(usize),
    /// An entry of a map, from the column at a position.
    Entry {
        key: String,
        at: usize,
    },
    Template(Vec<TemplateStep>),
}

impl Step {
    fn is_entry(&self) -> bool {
        matches!(self, Self::Entry { .. })
    }
}

#[derive(Debug)]
enum TemplateStep {
    Text(String),
    Column(usize),
}

impl Plan {
    /// Makes a plan for the columns with these names. A mapping replaces the columns that have a name of its field; several mappings
    /// of a field are alternatives, of which the first that is not empty counts.
    pub(super) fn new(headers: &[impl AsRef<str>], mappings: &[Mapping]) -> Self {
        let mut plan = Self { steps: Vec::new(), ignored: Vec::new(), missing: Vec::new() };
        let position = |name: &str| {
            let exact = headers.iter().position(|header| header.as_ref() == name);
            exact.or_else(|| headers.iter().position(|header| header.as_ref().eq_ignore_ascii_case(name)))
        };
        let mut is_used = vec![false; headers.len()];
        let mut use_column = |name: &str, field: Field, missing: &mut Vec<(Field, String)>| {
            let found = position(name);
            match found.and_then(|at| is_used.get_mut(at)) {
                Some(is_used) => *is_used = true,
                None => missing.push((field, name.to_owned())),
            }
            found
        };
        for Mapping { field, source } in mappings {
            let step = match source {
                Source::Column(name) => use_column(name, *field, &mut plan.missing).map(Step::Column),
                Source::Template(parts) => {
                    let mut step = |part: &Part| match part {
                        Part::Text(text) => Some(TemplateStep::Text(text.clone())),
                        Part::Column(name) => {
                            use_column(name, *field, &mut plan.missing).map(TemplateStep::Column)
                        }
                    };
                    parts.iter().map(&mut step).collect::<Option<Vec<_>>>().map(Step::Template)
                }
            };
            plan.steps.extend(step.map(|step| (*field, step)));
        }
        for (at, header) in headers.iter().enumerate() {
            let header = header.as_ref();
            let is_mapped = |field: Field| mappings.iter().any(|mapping| mapping.field == field);
            let is_free = |field: &Field| {
                !is_mapped(*field)
                    && !plan.steps.iter().any(|(other, step)| other == field && !step.is_entry())
            };
            match Field::of_header(header).filter(is_free) {
                Some(field) => plan.steps.push((field, Step::Column(at))),
                None if !is_mapped(Field::LocalizedNames) && Field::language_of_header(header).is_some() => {
                    let key = Field::language_of_header(header).unwrap_or_default().to_owned();
                    plan.steps.push((Field::LocalizedNames, Step::Entry { key, at }));
                }
                None if is_used.get(at) == Some(&true) => {}
                None if header.is_empty() => plan.ignored.push(format!("(column {})", at + 1)),
                None => plan.ignored.push(header.to_owned()),
            }
        }
        plan
    }

    /// Returns the fields that the columns hold.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        self.steps.iter().map(|(field, _)| *field)
    }

    /// Returns true if a field comes from the first column only.
    pub(super) fn is_in_first_column(&self, field: Field) -> bool {
        let mut steps = self.steps.iter().filter(|(other, _)| *other == field);
        steps.all(|(_, step)| match step {
            Step::Column(at) | Step::Entry { at, .. } => *at == 0,
            Step::Template(steps) => {
                steps.iter().all(|step| !matches!(step, TemplateStep::Column(at) if *at > 0))
            }
        })
    }

    /// Returns the names of columns that no field comes from.
    pub(super) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Returns the columns that a mapping names and that do not exist.
    pub(super) fn missing(&self) -> &[(Field, String)] {
        &self.missing
    }

    /// Fills the fields from the cells of a row, in the order of the columns. Cells that a row lacks are empty.
    pub(super) fn fill<'a>(&self, row: &[Cell<'a>]) -> Cells<'a> {
        let mut cells = Cells::default();
        // Entries join a map that another column holds as a whole.
        let (entries, others): (Vec<_>, Vec<_>) = self.steps.iter().partition(|(_, step)| step.is_entry());
        for (field, step) in others.into_iter().chain(entries) {
            match step {
                Step::Column(at) => {
                    if let Some(cell) = row.get(*at) {
                        cells.set_if_empty(*field, cell.clone());
                    }
                }
                Step::Entry { key, at } => {
                    if let Some(Cell::Text(text)) = row.get(*at).filter(|cell| !cell.is_empty()) {
                        cells.push(*field, format!("{key}={}", text.trim()));
                    }
                }
                Step::Template(steps) => {
                    let text = template(steps, row).unwrap_or_default();
                    cells.set_if_empty(*field, Cell::Text(Cow::Owned(text)));
                }
            }
        }
        cells
    }
}

/// Returns the text of a template; `None` if one of its columns is empty.
fn template(steps: &[TemplateStep], row: &[Cell<'_>]) -> Option<String> {
    let mut text = String::new();
    for step in steps {
        match step {
            TemplateStep::Text(part) => text.push_str(part),
            TemplateStep::Column(at) => match row.get(*at)? {
                cell if cell.is_empty() => return None,
                Cell::Text(part) => text.push_str(part.trim()),
                Cell::List { elements, .. } => text.push_str(&elements.join("-")),
            },
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(headers: &[&str], mappings: &[&str], row: &[&str], field: Field) -> String {
        let mappings: Vec<Mapping> = mappings.iter().map(|mapping| mapping.parse().unwrap()).collect();
        let row: Vec<Cell<'_>> = row.iter().map(|cell| Cell::Text(Cow::Borrowed(cell))).collect();
        Plan::new(headers, &mappings).fill(&row).text(field).to_owned()
    }

    #[test]
    fn a_mapping_replaces_the_columns_of_a_field_and_the_first_that_is_not_empty_counts() {
        let headers = ["id", "ref", "name", "brand"];
        let row = ["1", " 100", "", "Chain"];
        assert_eq!(filled(&headers, &["id=ref"], &row, Field::Id), "100");
        assert_eq!(filled(&headers, &[], &row, Field::Id), "1");
        assert_eq!(filled(&headers, &["name=name", "name=brand"], &row, Field::Name), "Chain");
        assert_eq!(filled(&headers, &["name=brand"], &row, Field::Brand), "Chain", "it also stays a brand");
        assert_eq!(filled(&headers, &["id=fi-{ref}-{id}"], &row, Field::Id), "fi-100-1");
        assert_eq!(filled(&headers, &["id=fi-{name}"], &row, Field::Id), "", "no id without its column");
    }

    #[test]
    fn names_of_openstreetmap_in_languages_join_the_localized_names() {
        let headers = ["name:fi", "name:prefix", "Name:zh_Hans", "localized_names", "name:sv"];
        let plan = Plan::new(&headers, &[]);
        assert_eq!(plan.ignored(), ["name:prefix"]);
        let row = [" Kauppa; tori ", "x", "商店", "en=Shop", ""].map(|cell| Cell::Text(Cow::Borrowed(cell)));
        let names = plan.fill(&row).list(Field::LocalizedNames);
        assert_eq!(names, ["en=Shop", "fi=Kauppa; tori", "zh_Hans=商店"]);
        let mapped = Plan::new(&headers, &["localized_names=name:fi".parse().unwrap()]);
        assert_eq!(mapped.fill(&row).list(Field::LocalizedNames), ["Kauppa", "tori"]);
    }

    #[test]
    fn columns_that_are_not_used_or_do_not_exist_are_listed() {
        let mappings = ["id=ref".parse().unwrap(), "name=title".parse().unwrap()];
        let plan = Plan::new(&["id", "Ref", "lat", "latitude", "", "colour"], &mappings);
        assert_eq!(plan.ignored(), ["id", "latitude", "(column 5)", "colour"]);
        assert_eq!(plan.missing(), [(Field::Name, "title".to_owned())]);
    }

    #[test]
    fn invalid_mappings_state_the_reason() {
        for (text, said) in
            [("id", "FIELD=COLUMN"), ("shoe=ref", "unknown field"), ("id=", "column"), ("id={a", "}")]
        {
            let error = text.parse::<Mapping>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
