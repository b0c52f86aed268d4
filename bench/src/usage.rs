//! CPU time: of a program with all that it started, and of the whole machine.

use std::{collections::HashMap, fs, time::Duration};

use anyhow::Context as _;

/// A tick is 10 ms wherever Linux runs today.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of these processes and of whatever they started, children that have ended and were waited for included.
pub(crate) fn of_trees(roots: &[u32]) -> anyhow::Result<Duration> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut used: HashMap<u32, u64> = HashMap::new();
    for process in fs::read_dir("/proc")? {
        let Some(id) = process?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It may have ended since.
        let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let (parent, ticks) = fields(&stat)?;
        children.entry(parent).or_default().push(id);
        used.insert(id, ticks);
    }
    let mut waiting: Vec<u32> = roots.to_vec();
    let mut ticks = 0;
    while let Some(id) = waiting.pop() {
        // Counted once, also when one root is below another.
        ticks += used.remove(&id).unwrap_or(0);
        waiting.extend(children.remove(&id).unwrap_or_default());
    }
    Ok(times(ticks))
}

/// CPU time that programs have used on this machine: their own and the kernel's for them, without interrupts, which are
/// caused by everybody's packets.
pub(crate) fn of_all() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("a line of all cores")?;
    let ticks = line.split_whitespace().skip(1).take(3).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(times(ticks))
}

/// The parent of a process and its ticks: own ones, the kernel's, and both of children that were waited for.
fn fields(stat: &str) -> anyhow::Result<(u32, u64)> {
    // The name in parentheses may hold spaces; fields count from behind it.
    let fields: Vec<_> = stat.rsplit_once(')').context("no name in stat")?.1.split_whitespace().collect();
    let field = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Ok((u32::try_from(field(1))?, [11, 12, 13, 14].into_iter().map(field).sum()))
}

fn times(ticks: u64) -> Duration {
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_hides_no_field() {
        let stat = "42 (a (b) c) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 1 20 0 5 0 1";
        assert_eq!(fields(stat).unwrap(), (7, 124));
    }

    #[test]
    fn what_this_program_uses_is_part_of_what_all_use() {
        let own = of_trees(&[std::process::id()]).unwrap();
        assert!(own <= of_all().unwrap());
    }
}
