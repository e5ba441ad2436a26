// What a member of the team reads next, as errands: for the time of a panel's product, or for a time of waiting.
//
// With many rows, beside a product, in the order in which it is needed: what the adapters add to the panel that the
// member goes on with, that panel's weights, and the member's share of the factors with which the next site begins.
// Where all rows fit into one tile, memory has enough to do during a product; what it is asked for while a member waits
// is that with which the next part begins.
#pragma once

#include "errands.hpp"
#include "model.hpp"
#include "panel_product.hpp"
#include "plan.hpp"
#include "tile.hpp"

namespace tanren {

template <class Numbers>
class Upcoming {
 public:
  using Weight = typename Numbers::Weight;

  struct Panel {
    int segment, index;
  };

  explicit Upcoming(const Model<Numbers>& model) : model_(model) {}

  // Pieces of work that a site is shared out in: its panels side by side; gate and up together.
  int pieces_of(Site site) const {
    return site == GATE_UP ? model_.layers[0].sites[GATE_UP][0].weights.panel_count() : model_.panels_of(site);
  }

  // The panel of a piece; of gate and up, gate's.
  Panel panel_of(int layer, Site site, int piece) const {
    if (site == GATE_UP) return {0, piece};
    const auto& segments = model_.layers[layer].sites[site];
    int segment = int(segments.size()) - 1;
    while (piece < segments[segment].first_panel) --segment;
    return {segment, piece - segments[segment].first_panel};
  }

  // `next`: the member's next piece of the site; as many as there are or more: it has none.
  Errands* beside(Errands& errands, const Plan& plan, int layer, Site site, Panel panel, int piece, int next) const {
    const int rows = int(plan.rows.size());
    if (rows <= PanelProduct<Numbers>::ROWS) return nullptr;
    errands.clear();
    if (const auto then = after(layer, site, panel, next); then.layer < model_.shape.layers) {
      for (const auto& each : plan.pieces) {
        const auto& b = update(each, then.layer, then.site).segments[then.panel.segment].b;
        if (!b.is_empty()) errands.add(b.panel_bytes(then.panel.index));
      }
      const auto& weights = model_.layers[then.layer].sites[then.site][then.panel.segment].weights;
      errands.add(weights.beginning(then.panel.index, DEPTH_BLOCK));
    } else {
      errands.add(model_.head.beginning(0, DEPTH_BLOCK));
    }
    add_share_of_next_factors(errands, plan, layer, site, piece);
    spread(errands, model_.layers[layer].sites[site][panel.segment].weights, rows);
    return &errands;
  }

  // The same for a panel of the head.
  Errands* beside_head(Errands& errands, int rows, int next) const {
    if (rows <= PanelProduct<Numbers>::ROWS) return nullptr;
    errands.clear();
    if (next < model_.head.panel_count()) errands.add(model_.head.beginning(next, DEPTH_BLOCK));
    spread(errands, model_.head, rows);
    return &errands;
  }

  // For a member that waits, where memory is the limit: its share of that with which the site begins.
  void before(Errands& errands, const Plan& plan, int layer, Site site, int member, int members) const {
    errands.clear();
    if (int(plan.rows.size()) > TILE_ROWS) return;
    for (int index = member; index < int(plan.pieces.size()); index += members) {
      for (const auto& segment : update(plan.pieces[index], layer, site).segments) {
        if (!segment.a.is_empty()) errands.add(segment.a.everything());
      }
    }
    const auto& segments = model_.layers[layer].sites[site];
    for (int piece = member, left = SHARE_BYTES; piece < pieces_of(site) && left > 0; piece += members) {
      const Panel first = panel_of(layer, site, piece);
      const Stretch panel = segments[first.segment].weights.beginning(first.index, DEPTH_BLOCK);
      errands.add(panel);
      left -= int(panel.bytes);
    }
  }

  // The same of the head.
  void before_head(Errands& errands, const Plan& plan, int member, int members) const {
    errands.clear();
    if (int(plan.rows.size()) > TILE_ROWS) return;
    for (int piece = member, left = SHARE_BYTES; piece < model_.head.panel_count() && left > 0; piece += members) {
      const Stretch panel = model_.head.beginning(piece, DEPTH_BLOCK);
      errands.add(panel);
      left -= int(panel.bytes);
    }
  }

  // The same of attention: keys and values of the sequences.
  void before_attention(Errands& errands, const Plan& plan, int layer, int member, int members) const {
    errands.clear();
    if (int(plan.rows.size()) > TILE_ROWS) return;
    for (const auto& tile : plan.tiles) {
      const RowPlan& row = plan.rows[tile.first_row];
      for (int block = member; block <= row.position / BLOCK_TOKENS; block += members) {
        errands.add({model_.keys(layer, row.blocks[block], 0), model_.block_bytes()});
      }
    }
  }

 private:
  // Of what comes next, so much finds room in a member's second cache beside what it is at.
  static constexpr int SHARE_BYTES = 1 << 18;

  struct Place {
    int layer;  // as many as there are: the head
    Site site;
    Panel panel;
  };

  // The panel that the member goes on with.
  Place after(int layer, Site site, Panel panel, int next) const {
    if (site == GATE_UP && panel.segment == 0) return {layer, site, {1, panel.index}};
    if (next < pieces_of(site)) return {layer, site, panel_of(layer, site, next)};
    if (site != DOWN) return {layer, Site(site + 1), {0, 0}};
    return {layer + 1, QKV, {0, 0}};
  }

  void add_share_of_next_factors(Errands& errands, const Plan& plan, int layer, Site site, int piece) const {
    const int next_layer = site == DOWN ? layer + 1 : layer, shares = pieces_of(site);
    if (next_layer == model_.shape.layers) return;
    const int count = int(plan.pieces.size());
    for (int index = count * piece / shares; index < count * (piece + 1) / shares; ++index) {
      for (const auto& segment : update(plan.pieces[index], next_layer, Site((site + 1) % SITE_COUNT)).segments) {
        if (!segment.a.is_empty()) errands.add(segment.a.everything());
      }
    }
  }

  static void spread(Errands& errands, const WeightMatrix<Numbers>& weights, int rows) {
    using Product = PanelProduct<Numbers>;
    errands.spread(std::size_t((rows - 1) / Product::ROWS + 1) * (weights.depth() / Product::STEP));
  }

  const SiteUpdate<Numbers>& update(const AdapterPiece& piece, int layer, Site site) const {
    return model_.adapters[piece.adapter]->site(layer, site);
  }

  const Model<Numbers>& model_;
};

}  // namespace tanren
