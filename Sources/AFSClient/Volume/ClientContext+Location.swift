import AFSBase
import AFSRPC
import AFSTypes
import Logging
import RxCore

/// Where volumes are, by asking the cells' volume location servers.
extension ClientContext {
  /// Locations are asked for again after this time even if no server complains (OpenAFS asks every hour:
  /// src/afs/afs_volume.c, afs_CheckVolumeNames).
  private static let locationValidity = Duration.seconds(3600)
  /// How long a name that no volume has is remembered.
  private static let absenceValidity = Duration.seconds(10)

  /// The location of the volumes that `name` (a name, or a number in decimal) means.
  package func location(of name: String, in cell: Cell) async throws(AFSError) -> VolumeLocation {
    if let known = cell.location(of: name, now: now) { return try Self.existing(known) }
    let asked = now
    try await cell.lookupLock.lock()
    defer { cell.lookupLock.release() }
    if let known = cell.location(of: name, now: now) { return try Self.existing(known) }
    // Not one silence after the other for everybody who waited.
    if let failure = cell.lookupFailure(since: asked) { throw failure }
    return try await askForLocation(of: name, in: cell)
  }

  private static func existing(_ location: VolumeLocation?) throws(AFSError) -> VolumeLocation {
    guard let location else { throw .noSuchVolume }
    return location
  }

  private func askForLocation(of name: String, in cell: Cell) async throws(AFSError) -> VolumeLocation {
    do {
      let record = try await record(of: name, in: cell)
      let location = try await location(from: record, in: cell)
      let end = now + Self.locationValidity
      cell.remember(location, as: name, until: end)
      // Volumes in use move with it.
      for (kind, id) in location.ids where cell.volume(id) != nil {
        _ = cell.volume(id, kind: kind, at: location, until: end)
      }
      return location
    } catch .noSuchVolume {
      log.notice("no volume \(name) in cell \(cell.name)")
      cell.remember(nil, as: name, until: now + Self.absenceValidity)
      throw .noSuchVolume
    } catch {
      throw error
    }
  }

  /// The volume object of one kind at a location.
  package func volume(_ kind: Volume.Kind, at location: VolumeLocation, in cell: Cell) throws(AFSError) -> Volume {
    guard let id = location.ids[kind] else { throw .noSuchVolume }
    if let volume = cell.volume(id) { return volume }
    return cell.volume(id, kind: kind, at: location, until: now + Self.locationValidity)
  }

  /// Asks again, because a server does not have the volume or the answer is old.
  package func refreshLocation(of volume: Volume) async throws(AFSError) {
    let before = volume.location
    try await volume.locationLock.lock()
    defer { volume.locationLock.release() }
    // Another operation asked while this one waited.
    if volume.location.sites.map(\.server) != before.sites.map(\.server) { return }
    volume.cell.forget(name: before.baseName)
    let location = try await askForLocation(of: String(volume.id.rawValue), in: volume.cell)
    volume.setLocation(location, until: now + Self.locationValidity)
  }

  /// The vnode of a key, whether or not it is in memory.
  package func vnode(at key: FileKey) async throws(AFSError) -> Vnode {
    if let vnode = vnodes.vnode(for: key) { return vnode }
    guard let cell = cells.cell(number: key.cell) else { throw .noSuchCell }
    if let volume = cell.volume(key.fid.volume) { return vnodes.vnode(for: key.fid, in: volume) }
    let location = try await location(of: String(key.fid.volume.rawValue), in: cell)
    guard let kind = location.kind(of: key.fid.volume) else { throw .noSuchVolume }
    return vnodes.vnode(for: key.fid, in: try volume(kind, at: location, in: cell))
  }

  // MARK: The location servers

  private func record(of name: String, in cell: Cell) async throws(AFSError) -> VolumeRecord {
    let bytes = Array(name.utf8)
    let answer = try await askLocationServers(of: cell) { client throws(RxCallError) -> VolumeRecord? in
      try await Self.record(of: bytes, from: client)
    }
    guard let answer else { throw .corrupt("the location entry of volume \(name) names no possible volume") }
    return answer
  }

  /// By the newest interface that the server knows.
  private static func record(of name: [UInt8], from client: VLClient) async throws(RxCallError) -> VolumeRecord? {
    do {
      return VolumeRecord(try await client.getEntryByNameU(name: name))
    } catch .aborted(.rxgenOpcode) {
      // The next older one.
    } catch {
      throw error
    }
    do {
      return VolumeRecord(try await client.getEntryByNameN(name: name))
    } catch .aborted(.rxgenOpcode) {
      return VolumeRecord(try await client.getEntryByNameO(name: name))
    } catch {
      throw error
    }
  }

  private func location(from record: VolumeRecord, in cell: Cell) async throws(AFSError) -> VolumeLocation {
    var sites: [VolumeLocation.Site] = []
    for site in record.sites {
      do {
        sites.append(
          VolumeLocation.Site(
            server: try await fileserver(site.server, in: cell), kinds: site.kinds, isNewRelease: site.isNewRelease))
      } catch .noSuchVolume {
        // A server that was taken out of the database: the other sites count.
        log.notice("volume \(record.name) of cell \(cell.name): unknown server \(site.server)")
      } catch {
        throw error
      }
    }
    return VolumeLocation(baseName: record.name, ids: record.ids, sites: sites)
  }

  private func fileserver(_ server: VolumeRecord.Server, in cell: Cell) async throws(AFSError) -> Fileserver {
    switch server {
    case .address(let word):
      let address = RxAddress(ipv4: word, port: WellKnownPorts.fileserver)
      return servers.server(.address(address), addresses: [address], listVersion: nil)
    case .uuid(let uuid, let listVersion):
      let id = FileserverID.uuid(uuid, in: cell.name)
      if let known = servers.server(id), known.listVersion == listVersion { return known }
      let attributes = ListAddrByAttributes(mask: UInt32(VLConstants.byUUID), uuid: uuid)
      let results = try await askLocationServers(of: cell) { client throws(RxCallError) in
        try await client.getAddrsU(attributes: attributes)
      }
      let addresses = results.addresses.map { RxAddress(ipv4: $0, port: WellKnownPorts.fileserver) }
      return servers.server(id, addresses: addresses, listVersion: listVersion)
    }
  }

  /// How long a location server may show no sign of life. Calls are small: a server that answers pings but not the
  /// question is as good as none.
  private static let locationOptions = RxCallOptions(deadline: .seconds(16), deadTime: .seconds(8))

  /// One question to the cell's location servers: the first that can answer does.
  private func askLocationServers<R: Sendable>(
    of cell: Cell, _ ask: (VLClient) async throws(RxCallError) -> R
  ) async throws(AFSError) -> R {
    try await renewServers(of: cell)
    var failure = AFSError.unreachable
    let servers = cell.locationServers
    // A second round for servers that had no quorum or were just starting.
    var isSilence = true
    for _ in 0..<2 {
      var mayDoBetter = false
      for address in servers {
        do {
          let answer = try await ask(VLClient(caller: caller, peer: address, options: Self.locationOptions))
          cell.locationServerAnswered(address)
          return answer
        } catch {
          switch error {
          case .aborted(.vlNoEntry), .aborted(.vlBadName):
            cell.locationServerAnswered(address)
            throw .noSuchVolume
          case .cancelled: throw .interrupted
          case .shutDown: throw .shutDown
          case .aborted: mayDoBetter = true
          case .abortedLocally, .timedOut, .unreachable, .protocolViolation, .misuse, .malformedReply, .security,
            .tooManyCalls:
            break
          }
          failure = AFSError(error)
          isSilence = isSilence && error.isSilence
          let isNews = cell.locationServerFailed(address, isSilent: error.isSilence)
          log.log(level: isNews ? .notice : .info, "location server \(address) of cell \(cell.name): \(error)")
        }
      }
      guard mayDoBetter else { break }
    }
    cell.lookupFailed(failure, isSilence: isSilence, now: now)
    throw failure
  }
}

extension RxCallError {
  /// No sign of life, or the network refused.
  fileprivate var isSilence: Bool {
    switch self {
    case .timedOut, .unreachable: true
    case .aborted, .abortedLocally, .protocolViolation, .misuse, .malformedReply, .cancelled, .tooManyCalls,
      .shutDown, .security:
      false
    }
  }
}

/// UDP ports of AFS (OpenAFS src/afs/afs.h and IANA's list).
package enum WellKnownPorts {
  package static let fileserver: UInt16 = 7000
  package static let callback: UInt16 = 7001
  package static let volumeLocation: UInt16 = 7003
}
