# Takes a copy of the library, seeds one bug, builds one test with it, and expects that test to turn red.
#   cmake -DSOURCE=.. -DWORK=.. -DCOMPILER=.. -DBUG=name -P seeded_bug.cmake
include(${CMAKE_CURRENT_LIST_DIR}/bugs/${BUG}.cmake)  # FILE FROM TO [ALSO_FROM ALSO_TO] SOURCES ARGUMENTS LIBRARIES PATIENCE

if(NOT PATIENCE)
  set(PATIENCE 100)  # seconds
endif()

set(copy ${WORK}/${BUG})
file(REMOVE_RECURSE ${copy})
file(COPY ${SOURCE}/policies ${SOURCE}/framework DESTINATION ${copy})
file(READ ${copy}/${FILE} text)
string(REPLACE "${FROM}" "${TO}" seeded "${text}")
if(seeded STREQUAL text)
  message(FATAL_ERROR "${BUG}: the place for it is no longer in ${FILE}; look at tests/seeded/bugs/${BUG}.cmake")
endif()
if(ALSO_FROM)
  string(REPLACE "${ALSO_FROM}" "${ALSO_TO}" both "${seeded}")
  if(both STREQUAL seeded)
    message(FATAL_ERROR "${BUG}: the second place for it is no longer in ${FILE}; look at tests/seeded/bugs/${BUG}.cmake")
  endif()
  set(seeded "${both}")
endif()
file(WRITE ${copy}/${FILE} "${seeded}")

execute_process(COMMAND ${COMPILER} -std=c++20 -O1 -pthread -I${copy}/framework -I${copy}/policies -I${SOURCE} -I${SOURCE}/tests -Wl,-z,now
    ${SOURCES} -o ${copy}/test -lrt ${LIBRARIES} WORKING_DIRECTORY ${SOURCE} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(failed)
  message(FATAL_ERROR "${BUG}: does not compile:\n${output}")
endif()
execute_process(COMMAND ${copy}/test ${ARGUMENTS} RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output TIMEOUT ${PATIENCE})
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
