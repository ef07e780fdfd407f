package import AFSBase
package import AFSTypes
package import RxCore
import Synchronization

/// All cells met, by name and by number, and the names which turned out to be none.
package final class CellTable: Sendable {
  private struct State {
    var cells: [Cell] = []
    var byName: [CellName: Cell] = [:]
    var absent = RecencyMap<CellName, MonotonicTime>()
  }

  /// Cells made from names that users typed: more are refused.
  private static let countMax = 4096
  private static let absentMax = 4096

  /// Names of configured cells, in the order of their names: what the dynamic root lists.
  package let listed: [CellName]
  package let localName: CellName?
  /// Held while a name is asked for.
  package let resolveLock = AsyncLock()
  private let state = Mutex(State())

  package init(configuration: AFSClientConfiguration) {
    localName = configuration.localCell
    listed = configuration.cells.map(\.name).sorted()
    for known in configuration.cells {
      _ = add(known.name, locationServers: known.locationServers, until: nil)
    }
  }

  package var all: [Cell] { state.withLock { $0.cells } }

  package func cell(_ name: CellName) -> Cell? {
    state.withLock { $0.byName[name] }
  }

  package func cell(number: UInt32) -> Cell? {
    state.withLock { state in
      state.cells.indices.contains(Int(number) - 1) ? state.cells[Int(number) - 1] : nil
    }
  }

  /// The cell, made when it is new; nil when the table is full.
  package func add(_ name: CellName, locationServers: [RxAddress], until end: MonotonicTime?) -> Cell? {
    state.withLock { state in
      if let cell = state.byName[name] { return cell }
      guard state.cells.count < Self.countMax else { return nil }
      let cell = Cell(
        number: UInt32(state.cells.count + 1), name: name, locationServers: locationServers, serversEnd: end)
      state.cells.append(cell)
      state.byName[name] = cell
      state.absent.remove(name)
      return cell
    }
  }

  package func isKnownAbsent(_ name: CellName, now: MonotonicTime) -> Bool {
    state.withLock { state in state.absent.peek(name).map { $0 > now } ?? false }
  }

  package func rememberAbsent(_ name: CellName, until end: MonotonicTime) {
    state.withLock { state in
      state.absent.insert(end, for: name)
      if state.absent.count > Self.absentMax, let oldest = state.absent.oldestKey { state.absent.remove(oldest) }
    }
  }
}
