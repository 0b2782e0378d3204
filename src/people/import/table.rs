//! A table of people: comma-separated, with a header line. Every field is data, whatever a
//! spreadsheet would make of it.

use super::Gathered;
use super::error::LineFault;
use super::record::{Origin, Record};
use crate::policy::{Part, fits};
use csv::{ReaderBuilder, StringRecord, Trim};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Person,
    Name,
    Email,
    Login,
    SshKey,
    OpenPgp,
    X509,
}

impl Column {
    fn named(header: &str) -> Option<Self> {
        match header {
            "person" => Some(Self::Person),
            "name" => Some(Self::Name),
            "email" => Some(Self::Email),
            "login" => Some(Self::Login),
            "ssh_key" => Some(Self::SshKey),
            "openpgp" => Some(Self::OpenPgp),
            "x509" => Some(Self::X509),
            _other => None,
        }
    }

    fn part(self) -> Part {
        match self {
            Self::Person => Part::Name,
            Self::Name => Part::FullName,
            Self::Email => Part::Email,
            Self::Login => Part::Login,
            Self::SshKey | Self::OpenPgp | Self::X509 => Part::Key,
        }
    }
}

pub(super) fn read(bytes: &[u8], gathered: &mut Gathered) -> Result<(), LineFault> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
    let columns = columns(reader.headers().map_err(|error| fault(&error))?)?;
    for row in reader.records() {
        let row = row.map_err(|error| fault(&error))?;
        let line = row.position().map_or(0, csv::Position::line);
        gathered.add(record(&row, &columns, line)?, line)?;
    }
    Ok(())
}

/// What the reader says, without what it read.
fn fault(error: &csv::Error) -> LineFault {
    let line = error.position().map_or(1, csv::Position::line);
    let why = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8: save the table as UTF-8",
        csv::ErrorKind::UnequalLengths { .. } => "has another number of fields than the header",
        _other => "cannot be read as comma-separated values",
    };
    LineFault::new(line, why)
}

fn columns(header: &StringRecord) -> Result<Vec<Column>, LineFault> {
    let mut columns = Vec::new();
    for name in header {
        let column = Column::named(name).ok_or_else(|| {
            let name = crate::object::shown(name.as_bytes());
            let known = "person, name, email, login, ssh_key, openpgp, x509";
            LineFault::new(1, format!("the column `{name}` is not known: {known} are"))
        })?;
        let single = matches!(column, Column::Person | Column::Name);
        if single && columns.contains(&column) {
            let why = format!("the column `{name}` is there twice");
            return Err(LineFault::new(1, why));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn record(row: &StringRecord, columns: &[Column], line: u64) -> Result<Record, LineFault> {
    let mut record = Record::from(Origin::Table(line));
    for (field, column) in row.iter().zip(columns) {
        if field.is_empty() {
            continue;
        }
        let value = match column {
            Column::OpenPgp => prefixed("openpgp:", field),
            Column::X509 => prefixed("x509:", field),
            Column::Person | Column::Name | Column::Email | Column::Login | Column::SshKey => {
                field.to_owned()
            }
        };
        fits(column.part(), &value)
            .map_err(|why| LineFault::new(line, format!("the {} {why}", column.part().word())))?;
        match column {
            Column::Person => record.id = Some(value),
            Column::Name => record.name = Some(value),
            Column::Email => record.emails.push(value),
            Column::Login => record.logins.push(value),
            Column::SshKey | Column::OpenPgp | Column::X509 => record.keys.push(value),
        }
    }
    Ok(record)
}

/// A fingerprint as people write it, as a policy does.
fn prefixed(prefix: &str, field: &str) -> String {
    let digits = field.strip_prefix(prefix).unwrap_or(field);
    let digits: String = digits.chars().filter(|ch| *ch != ' ').collect();
    format!("{prefix}{}", digits.to_ascii_uppercase())
}
