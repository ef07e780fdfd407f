import AFSBase
package import AFSTypes
import Logging
import RxCore

/// Cells by name: configured ones, and those that DNS knows.
extension ClientContext {
  /// How long a name which is no cell is remembered.
  private static let absenceValidity = Duration.seconds(60)
  /// Bounds of the validity that DNS gives.
  private static let validityMin = Duration.seconds(60)
  private static let validityMax = Duration.seconds(86_400)

  package func cell(named name: CellName) async throws(AFSError) -> Cell {
    if let cell = cells.cell(name) { return cell }
    guard let resolver else {
      log.notice("no cell \(name): it is not configured, and DNS is not asked")
      throw .noSuchCell
    }
    if cells.isKnownAbsent(name, now: now) { throw .noSuchCell }
    try await cells.resolveLock.lock()
    defer { cells.resolveLock.release() }
    if let cell = cells.cell(name) { return cell }
    if cells.isKnownAbsent(name, now: now) { throw .noSuchCell }
    guard let answer = try await resolver.locationServers(of: name), !answer.servers.isEmpty else {
      log.notice("no cell \(name): it is not configured, and DNS does not know it")
      cells.rememberAbsent(name, until: now + Self.absenceValidity)
      throw .noSuchCell
    }
    let end = now + min(max(answer.validity, Self.validityMin), Self.validityMax)
    guard let cell = cells.add(name, locationServers: answer.servers, until: end) else {
      log.warning("cell \(name) is one more than the client keeps")
      throw .noSuchCell
    }
    return cell
  }

  /// Asks DNS when the cell's servers came from there and are old, or when the configuration names none.
  func renewServers(of cell: Cell) async throws(AFSError) {
    guard let resolver, cell.needsServers(now: now) else { return }
    do {
      if let answer = try await resolver.locationServers(of: cell.name), !answer.servers.isEmpty {
        cell.setLocationServers(
          answer.servers, until: now + min(max(answer.validity, Self.validityMin), Self.validityMax))
        return
      }
    } catch .interrupted {
      throw .interrupted
    } catch {
      log.info("DNS does not answer for cell \(cell.name): \(error)")
    }
    // The old servers are better than none; DNS is asked again in a while.
    cell.setLocationServers(cell.locationServers, until: now + Self.validityMin)
  }
}
