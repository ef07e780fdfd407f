import AFSClient
import CFuse3
import Glibc
import Synchronization

/// Extended attributes: those named `afs.` are windows to AFS; AFS stores no others. One is the mount's own
/// (`ControlAttribute`), which is answered whatever servers do.
///
/// Other names answer EOPNOTSUPP: `ls` and `cp` then stop asking.
extension FuseSession {
  private static let prefix = "afs."

  func getExtendedAttribute(_ request: consuming FuseRequest, _ id: UInt64, _ name: String, size: Int) {
    extendedAttributeCount.add(1, ordering: .relaxed)
    if name == ControlAttribute.name, let controlPath { return answer(request, sized(Array(controlPath.utf8), size)) }
    guard name.hasPrefix(Self.prefix) else { return request.fail(EOPNOTSUPP) }
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        return sized(try await fileSystem.extendedAttribute(name, of: node, as: identity), size)
      } catch {
        return .error(error.errno)
      }
    }
  }

  func setExtendedAttribute(
    _ request: consuming FuseRequest, _ id: UInt64, _ name: String, to value: [UInt8], flags: Int32
  ) {
    guard name.hasPrefix(Self.prefix) else { return request.fail(EOPNOTSUPP) }
    // XATTR_CREATE (sys/xattr.h) is 1: they are all there already.
    guard flags & 1 == 0 else { return request.fail(EEXIST) }
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let identity = request.identity
    answerLater(request) { [self] in
      do throws(AFSError) {
        try await fileSystem.setExtendedAttribute(name, of: node, to: value, as: identity)
        return .error(0)
      } catch {
        return .error(error.errno)
      }
    }
  }

  func listExtendedAttributes(_ request: consuming FuseRequest, _ id: UInt64, size: Int) {
    guard let node = nodes[id] else { return request.fail(ESTALE) }
    let names = fileSystem.extendedAttributeNames(of: node)
    answer(request, sized(names.flatMap { Array($0.utf8) + [0] }, size))
  }

  func removeExtendedAttribute(_ request: consuming FuseRequest, _ id: UInt64, _ name: String) {
    request.fail(name.hasPrefix(Self.prefix) ? EPERM : EOPNOTSUPP)
  }

  /// Size 0 asks for the value's size.
  private func sized(_ value: [UInt8], _ size: Int) -> FuseReply {
    if size == 0 { return .attributeSize(value.count) }
    return value.count <= size ? .text(value) : .error(ERANGE)
  }
}
