# Takes a copy of the library, seeds one bug, builds one test with it, and expects that test to turn red.
#   cmake -DSOURCE=.. -DWORK=.. -DBUILD=.. -DCOMPILER=.. -DBUG=name -P seeded_bug.cmake
include(${CMAKE_CURRENT_LIST_DIR}/bugs/${BUG}.cmake)  # FILE FROM TO SOURCES ARGUMENTS LIBRARIES SAYS; RUNNER: a script that is green when the bug is noticed

set(copy ${WORK}/${BUG})
file(REMOVE_RECURSE ${copy})
file(COPY ${SOURCE}/policies ${SOURCE}/framework DESTINATION ${copy})
file(READ ${copy}/${FILE} text)
string(REPLACE "${FROM}" "${TO}" seeded "${text}")
if(seeded STREQUAL text)
  message(FATAL_ERROR "${BUG}: the place for it is no longer in ${FILE}; look at tests/seeded/bugs/${BUG}.cmake")
endif()
file(WRITE ${copy}/${FILE} "${seeded}")

execute_process(COMMAND ${COMPILER} -std=c++20 -O1 -pthread -I${copy}/framework -I${copy}/policies -I${SOURCE} -I${SOURCE}/tests -Wl,-z,now
    ${SOURCES} -o ${copy}/test -lrt ${LIBRARIES} WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(failed)
  message(FATAL_ERROR "${BUG}: does not compile:\n${output}")
endif()
if(RUNNER)
  execute_process(COMMAND ${SOURCE}/${RUNNER} ${copy}/test ${ARGUMENTS} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
  return()
endif()
execute_process(COMMAND ${copy}/test ${ARGUMENTS} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output TIMEOUT 100)
if(failed EQUAL 0)
  message(FATAL_ERROR "${BUG}: ${SOURCES} ${ARGUMENTS} did not notice it:\n${output}")
endif()
if(output MATCHES "^usage: ")
  message(FATAL_ERROR "${BUG}: the test does not know these arguments: ${ARGUMENTS}\n${output}")
endif()
if(SAYS AND NOT output MATCHES "${SAYS}")
  message(FATAL_ERROR "${BUG}: noticed, but not as \"${SAYS}\":\n${output}")
endif()
message("${BUG}: caught by ${SOURCES} ${ARGUMENTS}\n${output}")
