import AFSBase
import AFSTypes
import RxCore

@testable import AFSClient

/// Values that tests of the client start from.
enum Sample {
  static let cell = Cell(
    number: 1, name: CellName("example.org")!,
    locationServers: [RxAddress(ipv4: 0x0AF8_0001, port: 7003)], serversEnd: nil)

  static func server(_ number: UInt32 = 1) -> Fileserver {
    let address = RxAddress(ipv4: 0x0AF8_0000 + number, port: 7000)
    return Fileserver(id: .address(address), addresses: [address], listVersion: nil)
  }

  static func volume(_ kind: Volume.Kind = .readWrite, id: UInt64 = 536_870_912) -> Volume {
    let location = VolumeLocation(baseName: "sample", ids: [kind: VolumeID(id)], sites: [])
    return Volume(cell: cell, id: VolumeID(id), kind: kind, location: location, until: .distantFuture)
  }

  static func status(
    _ kind: FileStatus.Kind = .file, version: UInt64 = 1, length: UInt64 = 0, permissions: UInt16 = 0o644,
    rights: AccessRights = [.read, .lookup]
  ) -> FileStatus {
    FileStatus(
      kind: kind, linkCount: 1, length: length, dataVersion: DataVersion(version), author: 0, owner: 32_766,
      group: 0, callerAccess: rights, anonymousAccess: rights, permissions: permissions, parentVnode: 1,
      parentUnique: 1, clientModified: WallTime(seconds: 1), serverModified: WallTime(seconds: 2), lockCount: 0)
  }

  static let second = MonotonicTime(nanoseconds: 1_000_000_000)
}
