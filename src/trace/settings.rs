//! The grammar of `ZMQ_TRACE` (docs/TRACE.md):
//!
//! ```text
//! value = item *( "," item )
//! item  = level / [ "-" ] area / "file=" path
//! level = "0" / "off" / "1" / "2" / "3" / "all"
//! area  = "api" / "msg" / "conn" / "drop" / "term" / "count"
//! path  = all that follows, commas included; %p stands for the process's number
//! ```
//!
//! Items count from left to right, upper and lower case are the same, spaces
//! around an item are none. An item that is none of these is complained of, the
//! others count. A path alone has level 1.

use std::fmt;

use super::Area;

/// What is to be said, and where.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Bits of [`Area`].
    pub(super) areas: u32,
    /// Where lines go; `None`: stderr.
    pub(super) file: Option<Vec<u8>>,
}

/// An item that nobody understands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint(Vec<u8>);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = self.0[..self.0.len().min(SHOWN_BYTES)].escape_ascii();
        f.write_str("what is \"")?;
        write!(f, "{item}\"? (0 to 3, ")?;
        Area::ALL.iter().try_for_each(|area| write!(f, "{}, ", area.name()))?;
        f.write_str("file=PATH)")
    }
}

/// As much of an item is repeated.
const SHOWN_BYTES: usize = 40;

impl Area {
    /// All of them.
    pub(super) const ALL: [Area; 6] =
        [Area::Api, Area::Msg, Area::Conn, Area::Drop, Area::Term, Area::Count];

    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Area::Api => "api",
            Area::Msg => "msg",
            Area::Conn => "conn",
            Area::Drop => "drop",
            Area::Term => "term",
            Area::Count => "count",
        }
    }
}

/// The areas of a level.
fn level(item: &[u8]) -> Option<u32> {
    let one = Area::Conn as u32 | Area::Drop as u32 | Area::Term as u32 | Area::Count as u32;
    Some(match item {
        b"0" | b"off" => 0,
        b"1" => one,
        b"2" => one | Area::Api as u32,
        b"3" | b"all" => one | Area::Api as u32 | Area::Msg as u32,
        _ => return None,
    })
}

impl Settings {
    /// What the value says, and the first item that says nothing.
    pub(super) fn parse(text: &[u8]) -> (Settings, Option<Complaint>) {
        let mut settings = Settings::default();
        let mut complaint = None;
        let mut any = false;
        let mut rest = Some(text);
        while let Some(text) = rest {
            let item = text.trim_ascii_start();
            if let Some(path) = after_file(item) {
                settings.file = (!path.is_empty()).then(|| path.to_vec());
                if path.is_empty() && complaint.is_none() {
                    complaint = Some(Complaint(item.to_vec()));
                }
                break;
            }
            let end = item.iter().position(|byte| *byte == b',');
            rest = end.map(|end| &item[end + 1..]);
            let item = item[..end.unwrap_or(item.len())].trim_ascii_end().to_ascii_lowercase();
            if item.is_empty() {
                continue;
            }
            let (off, name) = item.strip_prefix(b"-").map_or((false, &*item), |name| (true, name));
            let area = Area::ALL.into_iter().find(|area| area.name().as_bytes() == name);
            match (level(&item), area) {
                (Some(areas), _) => settings.areas = areas,
                (None, Some(area)) if off => settings.areas &= !(area as u32),
                (None, Some(area)) => settings.areas |= area as u32,
                (None, None) => {
                    complaint.get_or_insert(Complaint(item));
                    continue;
                }
            }
            any = true;
        }
        if !any && settings.file.is_some() {
            settings.areas = level(b"1").unwrap_or_default();
        }
        (settings, complaint)
    }
}

fn after_file(item: &[u8]) -> Option<&[u8]> {
    const FILE: &[u8] = b"file=";
    let (head, path) = item.split_at_checked(FILE.len())?;
    head.eq_ignore_ascii_case(FILE).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn areas(text: &str) -> u32 {
        let (settings, complaint) = Settings::parse(text.as_bytes());
        assert_eq!((settings.file, complaint), (None, None), "{text}");
        settings.areas
    }

    #[test]
    fn areas_add_up_and_levels_begin_anew() {
        assert_eq!(areas(""), 0);
        assert_eq!(areas("api,conn"), 1 | 4);
        assert_eq!(areas(" API , ,conn,"), 1 | 4);
        assert_eq!(areas("1"), 4 | 8 | 16 | 32);
        assert_eq!(areas("2"), areas("1,api"));
        assert_eq!(areas("3"), 63);
        assert_eq!(areas("all,-msg"), areas("2"));
        assert_eq!(areas("all,off"), 0);
        assert_eq!(areas("-api"), 0);
    }

    #[test]
    fn a_path_takes_all_that_follows() {
        let (settings, complaint) = Settings::parse(b"drop, file=/tmp/a,b c");
        assert_eq!(settings.file.as_deref(), Some(&b"/tmp/a,b c"[..]));
        assert_eq!((settings.areas, complaint), (8, None));
        let (settings, _) = Settings::parse(b"File=x");
        assert_eq!((settings.file.as_deref(), settings.areas), (Some(&b"x"[..]), areas("1")));
        let (settings, _) = Settings::parse(b"0,file=x");
        assert_eq!(settings.areas, 0);
        assert!(Settings::parse(b"drop,file=").1.is_some());
    }

    #[test]
    fn what_nobody_understands_is_complained_of_once() {
        let (settings, complaint) = Settings::parse(b"verbose\x1b,drop,4");
        assert_eq!(settings.areas, 8);
        let text = complaint.unwrap().to_string();
        assert!(text.starts_with("what is \"verbose\\x1b\"? (0 to 3, api, "), "{text}");
        let (settings, complaint) = Settings::parse(&[0xff; 10_000]);
        assert_eq!(settings, Settings::default());
        assert!(complaint.unwrap().to_string().len() < 300);
    }
}
