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
    try await cell.lookupLock.lock()
    defer { cell.lookupLock.release() }
    if let known = cell.location(of: name, now: now) { return try Self.existing(known) }
    return try await askForLocation(of: name, in: cell)
  }

  private static func existing(_ location: VolumeLocation?) throws(AFSError) -> VolumeLocation {
    guard let location else { throw .noSuchVolume }
    return location
  }

  private func askForLocation(of name: String, in cell: Cell) async throws(AFSError) -> VolumeLocation {
    do {
      let entry = try await volumeEntry(of: name, in: cell)
      let location = try await location(from: entry, in: cell)
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

  /// What the three generations of the interface say of a volume.
  struct VolumeEntry: Sendable {
    enum Server: Sendable {
      case uuid(AFSUUID, listVersion: UInt32)
      case address(UInt32)
    }
    var name: String
    var flags: UInt32
    var ids: [UInt32]
    var servers: [(server: Server, flags: UInt32)]
  }

  private func volumeEntry(of name: String, in cell: Cell) async throws(AFSError) -> VolumeEntry {
    let bytes = Array(name.utf8)
    return try await askLocationServers(of: cell) { client throws(RxCallError) -> VolumeEntry in
      try await Self.volumeEntry(of: bytes, from: client)
    }
  }

  /// The newest interface that the server knows.
  private static func volumeEntry(
    of name: [UInt8], from client: VLClient
  ) async throws(RxCallError) -> VolumeEntry {
    do {
      return VolumeEntry(try await client.getEntryByNameU(name: name))
    } catch .aborted(.rxgenOpcode) {
      // The next older one.
    } catch {
      throw error
    }
    do {
      return VolumeEntry(try await client.getEntryByNameN(name: name))
    } catch .aborted(.rxgenOpcode) {
      return VolumeEntry(try await client.getEntryByNameO(name: name))
    } catch {
      throw error
    }
  }

  private func location(from entry: VolumeEntry, in cell: Cell) async throws(AFSError) -> VolumeLocation {
    var ids: [Volume.Kind: VolumeID] = [:]
    let kinds: [(Volume.Kind, flag: Int)] = [
      (.readWrite, VLConstants.entryReadWriteExists), (.readOnly, VLConstants.entryReadOnlyExists),
      (.backup, VLConstants.entryBackupExists),
    ]
    for (index, (kind, flag)) in kinds.enumerated() where entry.flags & UInt32(flag) != 0 {
      if entry.ids.indices.contains(index), entry.ids[index] != 0 { ids[kind] = VolumeID(UInt64(entry.ids[index])) }
    }
    var sites: [VolumeLocation.Site] = []
    for (server, flags) in entry.servers where flags & UInt32(VLConstants.serverDontUse) == 0 {
      var siteKinds: Set<Volume.Kind> = []
      if flags & UInt32(VLConstants.serverReadWrite) != 0 { siteKinds.insert(.readWrite) }
      if flags & UInt32(VLConstants.serverReadOnly) != 0 { siteKinds.insert(.readOnly) }
      if flags & UInt32(VLConstants.serverBackup) != 0 { siteKinds.insert(.backup) }
      sites.append(
        VolumeLocation.Site(
          server: try await fileserver(server, in: cell), kinds: siteKinds,
          isNewRelease: flags & UInt32(VLConstants.serverNewReplica) != 0))
    }
    return VolumeLocation(baseName: entry.name, ids: ids, sites: sites)
  }

  private func fileserver(_ server: VolumeEntry.Server, in cell: Cell) async throws(AFSError) -> Fileserver {
    switch server {
    case .address(let word):
      let address = RxAddress(ipv4: word, port: WellKnownPorts.fileserver)
      return servers.server(.address(address), addresses: [address], listVersion: nil)
    case .uuid(let uuid, let listVersion):
      if let known = servers.server(.uuid(uuid)), known.listVersion == listVersion { return known }
      let attributes = ListAddrByAttributes(mask: UInt32(VLConstants.byUUID), uuid: uuid)
      let results = try await askLocationServers(of: cell) { client throws(RxCallError) in
        try await client.getAddrsU(attributes: attributes)
      }
      let addresses = results.addresses.map { RxAddress(ipv4: $0, port: WellKnownPorts.fileserver) }
      return servers.server(.uuid(uuid), addresses: addresses, listVersion: listVersion)
    }
  }

  /// One question to the cell's location servers: the first that can answer does.
  private func askLocationServers<R: Sendable>(
    of cell: Cell, _ ask: (VLClient) async throws(RxCallError) -> R
  ) async throws(AFSError) -> R {
    try await renewServers(of: cell)
    var failure = AFSError.unreachable
    // A server that answers pings but not the question is as good as none.
    let options = RxCallOptions(deadline: Self.locationDeadTime * 2, deadTime: Self.locationDeadTime)
    let servers = cell.locationServers
    // A second round for servers that had no quorum or were just starting.
    for round in 0..<2 {
      if round > 0, failure == .timedOut || failure == .unreachable { break }
      for address in servers {
        do {
          return try await ask(VLClient(caller: caller, peer: address, options: options))
        } catch {
          switch error {
          case .aborted(.vlNoEntry), .aborted(.vlBadName): throw .noSuchVolume
          case .cancelled: throw .interrupted
          case .shutDown: throw .shutDown
          case .aborted, .abortedLocally, .timedOut, .unreachable, .protocolViolation, .malformedReply, .security:
            log.info("location server \(address) of cell \(cell.name): \(error)")
            failure = AFSError(error)
            cell.locationServerFailed(address)
          }
        }
      }
    }
    throw failure
  }

  /// How long a location server may show no sign of life.
  private static let locationDeadTime = Duration.seconds(8)
}

extension ClientContext.VolumeEntry {
  fileprivate init(_ entry: UVLDBEntry) {
    name = Self.text(entry.name)
    flags = entry.flags
    ids = entry.volumeID
    let count = Self.count(entry.serverCount, in: entry.serverNumber)
    servers = (0..<count).map { index in
      let (uuid, flags) = (entry.serverNumber[index], entry.serverFlags[index])
      let version = UInt32(bitPattern: entry.serverUnique[index])
      // Without the flag the first word of the UUID is an address (OpenAFS src/vlserver/vlprocs.c).
      return flags & UInt32(VLConstants.serverUUID) != 0
        ? (.uuid(uuid, listVersion: version), flags)
        : (.address(UInt32(truncatingIfNeeded: uuid.high >> 32)), flags)
    }
  }

  fileprivate init(_ entry: NVLDBEntry) {
    name = Self.text(entry.name)
    flags = entry.flags
    ids = entry.volumeID
    let count = Self.count(entry.serverCount, in: entry.serverNumber)
    servers = (0..<count).map { (.address(entry.serverNumber[$0]), entry.serverFlags[$0]) }
  }

  fileprivate init(_ entry: VLDBEntry) {
    name = Self.text(entry.name)
    flags = entry.flags
    ids = entry.volumeID
    let count = Self.count(entry.serverCount, in: entry.serverNumber)
    servers = (0..<count).map { (.address(entry.serverNumber[$0]), entry.serverFlags[$0]) }
  }

  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The count that a server claims, within what its arrays hold.
  private static func count(_ claimed: Int32, in array: [some Any]) -> Int {
    max(0, min(Int(claimed), array.count))
  }
}

/// UDP ports of AFS (OpenAFS src/afs/afs.h and IANA's list).
package enum WellKnownPorts {
  package static let fileserver: UInt16 = 7000
  package static let callback: UInt16 = 7001
  package static let volumeLocation: UInt16 = 7003
}
