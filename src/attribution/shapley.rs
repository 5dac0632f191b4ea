//! Shapley values of channels on conversion totals.
//!
//! With v(S) = conversions of the paths whose channels all lie in S, the Harsanyi dividend of a set is
//! the number of paths with exactly that set, and the Shapley value shares each path equally among its
//! distinct channels (Zhao, Mahboobi & Bagheri 2018; Harsanyi 1963). So no set is ever stored.

/// Finds the distinct channels of one path after the other, with the memory it needs.
#[derive(Debug, Default)]
pub struct Distinct {
    /// By channel: number of the last path that met it.
    met: Vec<u64>,
    paths: u64,
    channels: Vec<u16>,
}

impl Distinct {
    /// The distinct channels of a path, in the order in which they first stand.
    pub fn of(&mut self, path: impl Iterator<Item = u16>) -> &[u16] {
        self.paths += 1;
        self.channels.clear();
        for channel in path {
            let at = usize::from(channel);
            if at >= self.met.len() {
                self.met.resize(at + 1, 0);
            }
            if self.met[at] != self.paths {
                self.met[at] = self.paths;
                self.channels.push(channel);
            }
        }
        &self.channels
    }
}

#[cfg(test)]
mod tests {
    use super::super::Credit;
    use super::super::allocate::MILLIONTHS;
    use super::*;

    /// Shapley values by definition: over all orders of the players, the mean marginal contribution.
    fn by_definition(paths: &[(&[u16], f64)], players: u16) -> Vec<f64> {
        let value = |set: u32| -> f64 {
            paths
                .iter()
                .filter(|(path, _)| path.iter().all(|channel| set >> channel & 1 == 1))
                .map(|(_, conversions)| conversions)
                .sum()
        };
        let mut orders = vec![vec![]];
        for _ in 0..players {
            orders = orders
                .into_iter()
                .flat_map(|order: Vec<u16>| {
                    (0..players)
                        .filter(|p| !order.contains(p))
                        .map(|p| [&order[..], &[p]].concat())
                        .collect::<Vec<_>>()
                })
                .collect();
        }
        let mut phi = vec![0.0; usize::from(players)];
        for order in &orders {
            let mut set = 0;
            for player in order {
                phi[usize::from(*player)] += value(set | 1 << player) - value(set);
                set |= 1 << player;
            }
        }
        phi.iter().map(|sum| sum / orders.len() as f64).collect()
    }

    #[test]
    fn the_equal_split_is_the_shapley_value() {
        let paths: [(&[u16], f64); 5] =
            [(&[0, 1, 0], 3.0), (&[2], 5.0), (&[1, 2, 3], 7.0), (&[3, 3], 1.0), (&[0, 1, 2, 3], 2.0)];
        let mut phi = [0.0; 4];
        let (mut distinct, mut credit) = (Distinct::default(), Credit::default());
        for (path, conversions) in paths {
            let channels = distinct.of(path.iter().copied());
            for (channel, part) in channels.iter().zip(credit.equally(channels.len())) {
                phi[usize::from(*channel)] += conversions * *part as f64 / MILLIONTHS as f64;
            }
        }
        for (ours, theirs) in phi.iter().zip(by_definition(&paths, 4)) {
            // A third of a conversion is off by at most a millionth in each of seven conversions.
            assert!((ours - theirs).abs() < 7e-6, "{ours} {theirs}");
        }
    }
}
